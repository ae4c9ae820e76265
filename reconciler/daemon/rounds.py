"""One round after the other: which targets each reads, what it leaves alone, and what follows from how it went.

A round reads the targets of what is due; of the others counts what they said last. What failed is left alone for a
while, each resource by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.daemon.affected import all_targets, changed, dependants, takers, targets_of
from reconciler.daemon.queue import Beat, Queue, Rest, Urgency
from reconciler.errors import CommitLost
from reconciler.measured import Measured
from reconciler.model import Graph, Inventory, Observed, Outcome, Plan, Reason, Ref, Report, Resource, Verb
from reconciler.reconcile import House, Proposal
from reconciler.settings import RunSettings

_SHARE = 0.1
"""Readings that are due within this share of the interval are made in one round."""
Held = Mapping[Ref, tuple[Reason, str]]


def beat_of(settings: RunSettings) -> Beat:
    """How often, as the settings say."""
    return Beat(
        interval=settings.interval_seconds,
        first=settings.retry_seconds,
        longest=settings.longest_retry_seconds,
        jitter=settings.jitter,
        together=settings.interval_seconds * _SHARE,
    )


@dataclass
class Rounds:
    """What the loop remembers from one round to the next. ``clock`` reads seconds, ``randomness`` is in 0..1."""

    house: House
    measured: Measured
    clock: Callable[[], float] = time.monotonic
    randomness: Callable[[], float] = random.random
    queue: Queue = field(init=False)
    _before: Mapping[Ref, Resource] | None = None
    """What git said in the last round; None before the first one, and after one that broke off."""
    _whole: bool = True
    """Whether this round reads everything."""
    _open: bool = False
    """Whether something was taken out of the queue, and it is not known yet what becomes of it."""

    def __post_init__(self) -> None:
        """An empty queue: the first round reads everything."""
        self.queue = Queue(beat_of(self.house.settings.run), self.clock, self.randomness, self._waited)

    @contextmanager
    def round(self) -> Iterator[None]:
        """One round; when it breaks off after something was taken, the next one reads everything."""
        self._open = False
        try:
            yield
            self._open = False
        except CommitLost as error:
            self.house.store.heads.withhold(error.branch, error.commit, str(error))
            raise
        finally:
            if self._open:
                self.begin_anew()
            self.measured.queued({urgency.name.lower(): count for urgency, count in self.queue.depth.items()})

    def begin_anew(self) -> None:
        """Remember nothing: somebody else may have been at work, or a round broke off midway."""
        self.house.readings.forget()
        self.house.held = None
        self._before = None

    def due(self, graph: Graph, inventory: Inventory) -> frozenset[str] | None:
        """The targets that this round reads; None for all, where nothing is known of an earlier round."""
        self._open = True
        self._whole, before, self._before = self._before is None, self._before, graph.resources
        everything = all_targets(graph, inventory)
        if before is None:
            self.queue.only(())
            return None
        moved = changed(graph, before)
        if moved:
            self.queue.only(graph.resources.keys() | inventory.entries.keys() | inventory.begun.keys() | everything)
            self.queue.changed(dependants(moved, graph))
        taken = self.queue.take()
        called = {Ref(item.key) for item in taken if item.urgency is Urgency.CHANGED} - moved
        keys = {item.key for item in taken} | dependants(called - everything, graph)
        targets = (keys & everything) | targets_of(map(Ref, keys - everything), graph, inventory)
        targets |= targets_of(self._lively(graph), graph, inventory)
        return frozenset(targets | takers(targets, graph, inventory))

    def read(self, observed: Observed) -> None:
        """What was read is read again when its time comes; what could not be is tried again by itself."""
        now = {target: state for target, state in observed.targets.items() if target not in observed.kept}
        well = [target for target, state in now.items() if state.reachable]
        self.queue.succeeded(well)
        self.queue.looked(well, anew=self._whole)
        self.queue.failed(now.keys() - set(well))

    def held(self, plan: Plan) -> Held:
        """The actions of a plan that have failed before and are not due again."""
        resting = self.queue.resting
        return {action.ref: self._why(resting[action.ref]) for action in plan.actions if action.ref in resting}

    def doable(self, proposal: Proposal, held: Held) -> int:
        """How many actions this round would carry out: neither blocked nor waiting nor left to another round."""
        left = _behind({*held, *proposal.stale}, proposal.plan)
        acting = (a for a in proposal.plan.actions if a.verb not in (Verb.NOOP, Verb.DEFER) and a.blocked is None)
        return sum(action.ref not in left for action in acting)

    def postponed(self, proposal: Proposal) -> None:
        """What was left because its targets had not been read is looked at in the next round, which begins soon.

        Not what is left alone for a while, or comes after such: reading for it would be in vain, round upon round.
        """
        self.queue.succeeded(self._mended(proposal))
        left = _behind(self.held(proposal.plan), proposal.plan)
        self.queue.wanted({target for ref, targets in proposal.stale.items() if ref not in left for target in targets})

    def done(self, proposal: Proposal, report: Report) -> None:
        """What became of the plan: what went well is forgotten, what failed is tried again after a while."""
        tried = [outcome for outcome in report.outcomes if outcome.state != "deferred"]
        self.queue.succeeded({outcome.action.ref for outcome in tried if outcome.state == "done"})
        self.queue.failed({outcome.action.ref for outcome in tried if outcome.state != "done"})
        self.queue.wanted({o.action.ref for o in report.outcomes if _left(o)})
        touched = [outcome.action.ref for outcome in report.outcomes if outcome.state != "deferred" or _left(outcome)]
        self.house.readings.acted(self._touched(touched, proposal), report.run)

    def _touched(self, refs: Collection[Ref], proposal: Proposal) -> set[str]:
        actions = {action.ref: action for action in proposal.plan.actions}
        found = {actions[ref].target for ref in refs}
        for ref in refs:
            for name in filter(None, (ref, actions[ref].previous)):
                entry = proposal.inventory.entry(name, proposal.graph.moved) or proposal.inventory.begun.get(name)
                found |= {entry.target} if entry else set()
        return found

    def _mended(self, proposal: Proposal) -> set[Ref]:
        """What has failed before and was seen in this round to need nothing: somebody else has put it right."""
        resources, acting = proposal.graph.resources, {action.ref for action in proposal.plan.actions}
        seen = {target for target, state in proposal.observed.targets.items() if state.reachable and state.complete}
        seen -= proposal.observed.kept.keys()
        failed = {Ref(key) for key in self.queue.failing if key in resources} - acting
        return {ref for ref in failed if resources[ref].target in seen}

    def _lively(self, graph: Graph) -> list[Ref]:
        """What follows the world by itself: it is looked at in every round."""
        kinds = self.house.kinds
        return [ref for ref in graph.undecided if kinds[ref.kind].leaves_open(graph.resources[ref].spec)]

    def _why(self, rest: Rest) -> tuple[Reason, str]:
        at = self.house.clock() + timedelta(seconds=max(0.0, rest.until - self.clock()))
        times = "once" if rest.failures == 1 else f"{rest.failures} times in a row"
        return Reason.BACKING_OFF, f"it failed {times}: tried again at {at:%H:%M:%S} UTC, or when git changes it"

    def _waited(self, urgency: Urgency, seconds: float) -> None:
        self.measured.waited(urgency.name.lower(), seconds)


def _behind(refs: Iterable[Ref], plan: Plan) -> set[Ref]:
    """These, and what comes after any of them; actions stand in the order in which they can be done."""
    found = set(refs)
    for action in plan.actions:
        if not found.isdisjoint(action.waits_for):
            found.add(action.ref)
    return found


def _left(outcome: Outcome) -> bool:
    """Whether it was under way, or next, when somebody had better to do than wait for it."""
    return (
        outcome.state == "deferred" and outcome.reason is Reason.PAUSED and outcome.action.reason is not Reason.PAUSED
    )
