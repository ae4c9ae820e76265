"""Before a machine goes, the batch system lets go of it: drained first, looked at once more, then forgotten.

A machine with a job on it is never taken away. Who leaves is known to the batch system by the worker's own name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import Conflict, Transient
from reconciler.kinds.virtualcluster.elastic import batch_target, node_name
from reconciler.kinds.virtualcluster.nodes import Member
from reconciler.kinds.virtualcluster.spec import FRONTEND, SLURM, Removal, VirtualClusterSpec
from reconciler.model import Answer, Change, Ref, Started, Target
from reconciler.ports import Batch, BatchNode, Drivers
from reconciler.ports.batch import DRAINED_BY_US

WHY = f"{DRAINED_BY_US} to be taken away"
_DRAINING, _GOING = "draining", "going"
"""Handles: jobs are waited for (then looks without an answer, and seconds in all); machines go."""
_SILENT = 3
"""Looks without an answer."""
_LOOK, _SILENT_LOOK = 5.0, 2.0
"""Seconds between looks."""
_FOR_EVER = 31 * 86_400.0
"""The limit is the manifest's."""
_AT_WORK = frozenset({"busy", "draining"})


@dataclass(frozen=True)
class Ward:
    """The batch system of one cluster, as far as machines that go are concerned."""

    ref: Ref
    batch: Batch

    def hold(self, leaving: Iterable[Member]) -> Mapping[str, str]:
        """Drain the workers that are to go; worker -> what still runs on it, for those that cannot go yet."""
        names = {node_name(self.ref, m.group, m.ordinal) for m in leaving}
        due = [n for n in self.batch.queue().nodes if n.name in names]
        fresh = [n.name for n in due if not n.reason.startswith(DRAINED_BY_US) and n.state not in ("down", "off")]
        if fresh:
            self.batch.drain(sorted(fresh), WHY)
            due = [n for n in self.batch.queue().nodes if n.name in names]
        return {n.name: _work(n) for n in due if _at_work(n)}

    def let_go(self, names: Collection[str]) -> None:
        """Take drained workers back: jobs run on them."""
        self.batch.resume(sorted(names))

    def forget(self, groups: Iterable[str], staying: Iterable[Member]) -> None:
        """Strike from the books every worker of these groups that has no machine any more."""
        kept = {node_name(self.ref, m.group, m.ordinal) for m in staying}
        pattern = re.compile(rf"{re.escape(self.ref.name)}-({'|'.join(map(re.escape, groups))})-\d+")
        known = [n for n in self.batch.queue().nodes if pattern.fullmatch(n.name)]
        gone = [n.name for n in known if n.name not in kept and not _at_work(n)]
        try:
            self.batch.forget(sorted(gone))
        except Conflict:
            return  # a job was requeued onto its name meanwhile: another look will find it without


def ward(
    ref: Ref, spec: VirtualClusterSpec, target: Target, members: Sequence[Member], drivers: Drivers
) -> Ward | None:
    """The batch system; None for a cluster that has none, or whose front end never came so far."""
    front = next((m for m in members if m.group == FRONTEND and m.config and m.node.addresses), None)
    if front is None or all(software.role != SLURM for software in spec.software):
        return None
    address = front.node.addresses[0]
    return Ward(ref, drivers.batch(batch_target(ref, spec, address, target.driver, target.options)))


def emptied(change: Change, target: Target, members: Sequence[Member], drivers: Drivers) -> Answer | None:
    """None once a cluster that is to be removed has no job; else that it is waited for.

    A front end that does not answer several times in a row is not waited for, and no job for longer than the manifest
    says: such clusters could never be removed.
    """
    spec = change.spec
    assert isinstance(spec, VirtualClusterSpec)  # noqa: S101
    guard = None if change.handle == _GOING else ward(change.ref, spec, target, members, drivers)
    if guard is None:
        return None
    limit = (spec.removal or Removal()).drainSeconds
    silent, waited = _so_far(change.handle)
    try:
        held = guard.hold(m for m in members if m.group != FRONTEND)
    except Transient as error:
        if silent >= _SILENT:
            return None
        return _wait(silent + 1, waited + _SILENT_LOOK, _SILENT_LOOK, f"the batch system does not answer: {error}")
    if not held or waited >= limit:
        return None
    said = ", ".join(f"{work} runs on {name}" for name, work in sorted(held.items())[:5])
    pause = min(_LOOK, limit - waited)
    return _wait(0, waited + pause, pause, f"{said}: drained, and waited for ({waited:.0f} of {limit} s)")


def _so_far(handle: str) -> tuple[int, float]:
    """(looks without an answer, seconds waited)."""
    word, *rest = handle.split() or [""]
    return (int(rest[0]), float(rest[1])) if word == _DRAINING and len(rest) == 2 else (0, 0.0)  # noqa: PLR2004


def _wait(silent: int, waited: float, pause: float, said: str) -> Started:
    return Started(f"{_DRAINING} {silent} {waited:g}", pause, _FOR_EVER, said)


def _at_work(node: BatchNode) -> bool:
    return bool(node.jobs or node.cpus_allocated) or node.state in _AT_WORK


def _work(node: BatchNode) -> str:
    return f"job {', '.join(node.jobs[:3])}" if node.jobs else f"something ({node.state})"
