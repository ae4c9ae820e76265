"""Which workers of an elastic group exist is a choice: decided from the queue, kept, and explained like any other.

The field is ``workers.<group>``, the candidates are the ordinals of nodes. Nothing is remembered but what was chosen:
what stands, what the batch system says and the time of the run are all that a decision rests on. While the queue
cannot be read, what there is stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.elastic import Decisions, Elasticity, Group, Machine, decide
from reconciler.kinds.base import Candidate, Occasion, OpenChoice
from reconciler.kinds.virtualcluster.spec import FRONTEND, SLURM, VirtualClusterSpec, WorkerGroup
from reconciler.kinds.world import Question, World
from reconciler.model import Ref, Target, Unknown
from reconciler.ports import BatchNode, Queue

FIELD = "workers."
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def batch_target(ref: Ref, spec: VirtualClusterSpec, address: str, driver: str, options: Mapping[str, Any]) -> Target:
    """The batch system on a front end: reached like the cluster's nodes, so by the driver of their cloud."""
    reached = {"address": address, "user": spec.ansible.user, "port": spec.ansible.port}
    return Target(f"batch:{ref.namespace}/{ref.name}@{address}", driver, {**options, **reached})


def questions(ref: Ref, spec: VirtualClusterSpec, occasion: Occasion) -> Iterator[Question]:
    """The queue of a cluster that stands and has elastic groups."""
    held = occasion.held
    address = _front_end(held.outputs) if held else ""
    if held and address and spec.elastic:
        yield Question("queue", str(ref), batch_target(ref, spec, address, held.driver, held.options))


def _front_end(outputs: Mapping[str, Any]) -> str:
    """Where its playbooks reach it: ``frontend_address`` is where its users do, which may be another way."""
    nodes = outputs.get("nodes", ())
    return next((str(n["address"]) for n in nodes if n["group"] == FRONTEND), "")


def node_name(ref: Ref, group: str, ordinal: int) -> str:
    """What a worker is called on its cluster, and so in its batch system."""
    return f"{ref.name}-{group}-{ordinal}"


def choices(ref: Ref, spec: VirtualClusterSpec, world: World) -> Sequence[OpenChoice]:
    """For each elastic group, which of its nodes there shall be."""
    if not spec.elastic:
        return ()
    seen = world.stands(ref)
    before = seen if isinstance(seen, VirtualClusterSpec) else None
    there = {group.name: set(_nodes(before, group.name)) for group in spec.elastic}
    queue = world.queue(ref)
    if isinstance(queue, Unknown):
        return [_kept(group, there[group.name], queue.reason if before else "") for group in spec.elastic]
    decided, lost = _decide(ref, spec, there, queue, world.now)
    if decided.note:
        return [_kept(group, there[group.name], decided.note) for group in spec.elastic]
    return [_choice(ref, group, there[group.name], decided, lost) for group in spec.elastic]


def with_nodes(spec: VirtualClusterSpec, picks: Mapping[str, tuple[str, ...]]) -> VirtualClusterSpec:
    """The spec with the nodes of its elastic groups filled in."""
    chosen = {name.removeprefix(FIELD): names for name, names in picks.items() if name.startswith(FIELD)}
    if not chosen:
        return spec
    groups = [
        g.model_copy(update={"nodes": tuple(sorted(map(int, chosen[g.name])))}) if g.name in chosen else g
        for g in spec.workers
    ]
    return spec.model_copy(update={"workers": tuple(groups)})


def _nodes(spec: VirtualClusterSpec | None, name: str) -> Iterable[int]:
    group = spec.group(name) if spec else None
    return (group.nodes or ()) if group else ()


def _decide(
    ref: Ref, spec: VirtualClusterSpec, there: Mapping[str, set[int]], queue: Queue, now: datetime
) -> tuple[Decisions, set[str]]:
    """What the queue needs; and nodes that the batch system has never heard of, though they were configured."""
    known = {node.name: node for node in queue.nodes}
    names = {node_name(ref, g, n): g for g, ordinals in there.items() for n in ordinals}
    machines = [Machine(n, g, "running", _since(known[n])) for n, g in sorted(names.items()) if n in known]
    return decide([_group(spec, g) for g in spec.elastic], queue, machines, now), names.keys() - known.keys()


def _since(node: BatchNode) -> datetime:
    return node.up_since or _LONG_AGO


def _group(spec: VirtualClusterSpec, group: WorkerGroup) -> Group:
    policy = group.elasticity or Elasticity()
    if not policy.partitions:
        policy = policy.model_copy(update={"partitions": (_all_workers(spec), group.name)})
    features = ("hanse", f"group_{group.name}")
    low, high = group.min or 0, group.max or 0
    return Group(group.name, low, high, group.cpus, group.ramMiB, group.gpus, features, policy)


def _all_workers(spec: VirtualClusterSpec) -> str:
    """The partition of every worker, as the role calls it."""
    role = next(software for software in spec.software if software.role == SLURM)
    return str(role.variables.get("partition", "main"))


@dataclass
class _Answer:
    """The nodes of one group, sorted into those that stay, come and go."""

    stay: set[int]
    come: dict[int, str] = field(default_factory=dict)
    go: dict[int, str] = field(default_factory=dict)

    def choice(self, group: WorkerGroup, reason: str = "") -> OpenChoice:
        """As a choice: whoever stays or comes fits."""
        fits = [Candidate(str(n)) for n in sorted(self.stay)]
        fits += [Candidate(str(n), reason=why) for n, why in sorted(self.come.items())]
        leave = [Candidate(str(n), why) for n, why in sorted(self.go.items())]
        return OpenChoice(f"{FIELD}{group.name}", tuple(fits + leave), len(fits), reason)


def _kept(group: WorkerGroup, there: set[int], why: str) -> OpenChoice:
    """What there is, and as many as there must be at least."""
    answer = _Answer(set(there))
    low = group.min or 0
    for n in _free(there, set(), low - len(there)):
        answer.come[n] = f"the group has at least {low} nodes"
    return answer.choice(group, f"the queue is not known ({why})" if why else "")


def _choice(ref: Ref, group: WorkerGroup, there: set[int], decided: Decisions, lost: set[str]) -> OpenChoice:
    ordinals = {node_name(ref, group.name, n): n for n in there}
    go = {ordinals[name]: "the batch system does not know it" for name in sorted(lost & ordinals.keys())}
    # One that is to be taken back was drained by a run that was broken off: the next look boots another if need be.
    for one in (*decided.stop, *decided.quarantine, *decided.resume):
        if one.group == group.name:
            go[ordinals[one.node]] = one.reason
    answer = _Answer(there - go.keys(), go=go)
    boots = [one for one in decided.boot if one.group == group.name]
    answer.come = dict(zip(_free(there, set(go), len(boots)), (one.reason for one in boots), strict=True))
    return answer.choice(group)


def _free(there: set[int], barred: set[int], count: int) -> list[int]:
    """The lowest ordinals that nobody has."""
    highest = len(there) + len(barred) + max(0, count)
    free = [n for n in range(highest) if n not in there and n not in barred]
    return free[: max(0, count)]
