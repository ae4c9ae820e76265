"""Stage 4, Graph and Inventory -> Observed: reads the world, in bulk, per target, and writes nothing.

A target on which nothing is to be done and nothing had drifted is asked with the token of its last read, so that a
quiet federation costs one cheap question per target. A target that is slow or broken makes only its own resources
unknown: it never delays the others beyond the deadline and is never taken for empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from reconciler.errors import DriverError, SettingsError
from reconciler.kinds import Kind
from reconciler.model import (
    Details,
    Graph,
    Inventory,
    Observed,
    Present,
    Reading,
    Ref,
    Stray,
    Target,
    TargetState,
    digest_of,
)
from reconciler.observe.asking import Offers, after, world
from reconciler.observe.questions import Question, leaves, questions, standing, tagged, wanted
from reconciler.observe.readings import Readings, without
from reconciler.observe.taking import moved_inputs
from reconciler.ports import Drivers

__all__ = ["Offers", "Readings", "after", "observe", "world"]

_Answer = tuple[Reading, Mapping[Ref, Details]]


def observe(  # noqa: PLR0913 (the read's limits are keywords)
    graph: Graph,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
    earlier: Observed | None = None,
    *,
    deadline_seconds: float = 60.0,
    workers: int = 8,
    progress: Callable[[str], None] = lambda _target: None,
) -> Observed:
    """Read every target once. With ``earlier`` only what that did not cover is read.

    That is of the same run, or what ``Readings`` has kept of an earlier one, with its age.
    """
    asked = questions(graph, inventory, kinds, drivers, earlier)
    while earlier is not None and (partly := {question.target.id for question in asked} & earlier.kept.keys()):
        earlier = without(earlier, partly, graph, inventory)  # what is read is read whole: all kinds, in this run
        asked = questions(graph, inventory, kinds, drivers, earlier)
    if earlier is not None and not asked and not earlier.kept:
        return earlier
    gathered, handing_on = _Gathered(graph, inventory, earlier), _handing_on(graph, inventory)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="observe")
    read = partial(_read, graph=graph, inventory=inventory, drivers=drivers)
    try:
        _ask(asked, gathered, pool, read, deadline_seconds, progress)
        _ask(gathered.unanswered(handing_on, kinds), gathered, pool, read, deadline_seconds, progress)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return gathered.observed(handing_on)


def _ask(
    asked: Sequence[Question],
    gathered: _Gathered,
    pool: ThreadPoolExecutor,
    read: Callable[[Question], _Answer],
    deadline_seconds: float,
    progress: Callable[[str], None],
) -> None:
    """Ask all at once; who has not answered by the deadline is missed."""
    running = {pool.submit(read, question): question for question in asked}
    finished, late = wait(running, timeout=deadline_seconds)
    for future in sorted(finished, key=lambda f: running[f].key):
        try:
            gathered.take(running[future], *future.result())
        except (DriverError, SettingsError) as error:
            gathered.missed(running[future], str(error))
        progress(running[future].target.id)
    for future in late:
        gathered.missed(running[future], f"no answer within {deadline_seconds:g} s")


def _read(question: Question, graph: Graph, inventory: Inventory, drivers: Drivers) -> _Answer:
    """Ask cheaply first where that is enough; read in full when the world has moved since."""
    if question.token:
        reading = question.kind.observe(question.target, (), drivers, question.token)
        if reading.unchanged:
            return reading, {}
    asked, details = wanted(question, graph, inventory)
    return question.kind.observe(question.target, asked, drivers), details


def _handing_on(graph: Graph, inventory: Inventory) -> Mapping[Ref, Details]:
    """Details of resources that take outputs of others, and of those others."""
    producers = {edge.ref for ref in graph.taking for edge in graph.resources[ref].edges if edge.output}
    return inventory.details([ref for ref in graph.taking | producers if ref in inventory.entries])


class _Gathered:
    """What the targets said, put together."""

    def __init__(self, graph: Graph, inventory: Inventory, earlier: Observed | None) -> None:
        self._graph, self._inventory = graph, inventory
        self._digests = dict(earlier.digests if earlier else inventory.observed)
        self._results = dict(earlier.results) if earlier else {}
        self._former = dict(earlier.former) if earlier else {}
        self._targets = dict(earlier.targets) if earlier else {}
        self._strays: list[Stray] = list(earlier.strays) if earlier else []
        self._applied = dict(earlier.applied) if earlier else {}
        self._kept = dict(earlier.kept) if earlier else {}

    def take(self, question: Question, reading: Reading, details: Mapping[Ref, Details]) -> None:
        """One target's answer."""
        target = question.target.id
        self._applied.update(details)
        if reading.unchanged:
            token, digest = self._inventory.tokens[target]
            self._targets.setdefault(target, TargetState(reachable=True, token=token, digest=digest))
            return
        present = {ref: seen.digest for ref, seen in reading.results.items() if isinstance(seen, Present)}
        left = {ref: seen for ref, seen in reading.results.items() if leaves(ref, target, self._graph)}
        self._forget(question)
        self._digests.update((ref, digest) for ref, digest in present.items() if ref not in left)
        self._results.update((ref, seen) for ref, seen in reading.results.items() if ref not in left)
        self._former.update(left)
        self._strays = [s for s in self._strays if (s.target, s.kind) != (target, question.kind.name)]
        self._strays.extend(reading.strays)
        self._targets[target] = self._state(question.target, reading, present)

    def _state(self, target: Target, reading: Reading, present: Mapping[Ref, str]) -> TargetState:
        """How the target stands after this reading and those of other kinds on it."""
        before = self._targets.get(target.id, TargetState(reachable=True))
        said = "".join(f"{ref}={digest}\n" for ref, digest in sorted(present.items()))
        return TargetState(
            before.reachable,
            before.complete and reading.complete,
            before.reason,
            tagged(target, reading.token),
            digest_of((before.digest + said).encode()),
        )

    def missed(self, question: Question, reason: str) -> None:
        """A target that could not be read. What the inventory knows of it still counts: who needs whom, above all."""
        self._targets[question.target.id] = TargetState(reachable=False, complete=False, reason=reason)
        self._forget(question)
        asked = standing(question, self._graph, self._inventory)
        held = {entry.ref for ref in asked if (entry := self._inventory.entry(ref, self._graph.moved))}
        self._applied.update(self._inventory.details(held))

    def unanswered(self, handing_on: Mapping[Ref, Details], kinds: Mapping[str, Kind[Any]]) -> list[Question]:
        """What is to be asked in full now that it is known what others hand on."""
        targets = {target: state for target, state in self._targets.items() if target not in self._kept}
        return moved_inputs(self._graph, self._inventory, kinds, self._results, targets, handing_on)

    def _forget(self, question: Question) -> None:
        for ref in standing(question, self._graph, self._inventory):
            if not leaves(ref, question.target.id, self._graph):
                self._digests.pop(ref, None)

    def observed(self, handing_on: Mapping[Ref, Details]) -> Observed:
        """Everything said."""
        applied = {**self._applied, **handing_on}
        return Observed(self._targets, self._digests, self._results, self._nobodys(), applied, self._former, self._kept)

    def _nobodys(self) -> tuple[Stray, ...]:
        """Strays that the inventory does not have there either: what waits for a place is nobody's for a moment."""
        if not self._strays:
            return ()
        held = {(entry.target, entry.uid) for entry in self._inventory.entries.values()}
        found = [stray for stray in self._strays if (stray.target, stray.uid) not in held]
        return tuple(sorted(found, key=lambda stray: (stray.target, stray.kind, stray.name)))
