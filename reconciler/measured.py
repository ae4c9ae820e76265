"""Measured: what a process has seen of its own work since it began, for ``GET /metrics``. In memory, and cheap to tell.

Labels are kinds, targets, reasons: never single resources. What must outlive the process is read from the records.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from reconciler.apply import Breaker
from reconciler.errors import LeaseHeld
from reconciler.model import (
    HELD,
    Action,
    ConditionType,
    Observed,
    Plan,
    Reason,
    Ref,
    Report,
    Verb,
    went_wrong,
)

Labels = tuple[str, ...]
ROUND = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Upper ends of the buckets for how long a round takes, or something waits for it. Seconds."""
TO_READY = (1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 4 * 3600.0, 24 * 3600.0)
"""Likewise for how long it takes until something is ready."""
CALL = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
"""Likewise for a call of a back end."""
_AWAY = frozenset({Verb.DELETE, Verb.REPLACE})
_MADE = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE})
_DRIFT = frozenset({Reason.DRIFT_DETECTED, Reason.VANISHED})
_ASKED_FOR = frozenset({Reason.NEW, Reason.SPEC_CHANGED, Reason.IMMUTABLE_CHANGED, Reason.INPUT_CHANGED})


class Spread:
    """How numbers are spread over buckets, by labels. Whoever uses it sees to it that one does at a time."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: defaultdict[Labels, float] = defaultdict(float)

    def add(self, labels: Labels, value: float) -> None:
        """Count one."""
        counts = self._counts.setdefault(labels, [0] * (len(self.bounds) + 1))
        counts[bisect_left(self.bounds, value)] += 1
        self._sums[labels] += value

    def told(self) -> Iterator[tuple[Labels, list[tuple[str, float]], float]]:
        """Labels, (upper end, how many up to there) for each bucket, and the sum."""
        names = [*map(str, self.bounds), "+Inf"]
        for labels, counts in sorted(self._counts.items()):
            yield (
                labels,
                [(name, float(count)) for name, count in zip(names, accumulate(counts), strict=True)],
                (self._sums[labels]),
            )


@dataclass
class Measured:
    """What one process has seen. ``clock`` gives seconds since the epoch, ``timer`` seconds since any moment."""

    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
    lock: threading.RLock = field(default_factory=threading.RLock)
    """To be held by whoever reads what is below."""
    leading: bool = False
    """Whether this process holds the lease."""
    succeeded_at: float = 0.0
    """When the last round ended that went well; 0 when none did."""
    commit: str = ""
    """What is in force."""
    rounds: Counter[Labels] = field(default_factory=Counter)
    """By result: ``quiet``, ``done``, ``blocked``, ``failed``, ``error``."""
    durations: Spread = field(default_factory=lambda: Spread(ROUND))
    """Of rounds, by phase: ``plan``, ``apply``."""
    waits: Spread = field(default_factory=lambda: Spread(ROUND))
    """For a round, by class: why it was asked for."""
    waiting: Mapping[str, int] = field(default_factory=dict)
    """What waits now, by class."""
    ready: Spread = field(default_factory=lambda: Spread(TO_READY))
    """From the round that first saw what git wants until it is ready, by kind."""
    actions: Counter[Labels] = field(default_factory=Counter)
    """By kind, verb and outcome."""
    held: Counter[Labels] = field(default_factory=Counter)
    """Actions of the last plan that wait, by reason."""
    kept: Counter[Labels] = field(default_factory=Counter)
    """Likewise of what would be taken away: deletes and replaces."""
    drifted: Counter[Labels] = field(default_factory=Counter)
    """How often drift was found, by kind."""
    mended: Counter[Labels] = field(default_factory=Counter)
    """How often it was mended."""
    seen_at: dict[str, float] = field(default_factory=dict)
    """When a target was last read, with success."""
    reachable: dict[str, bool] = field(default_factory=dict)
    """Whether it could be, the last time."""
    breakers: dict[str, Breaker] = field(default_factory=dict)
    """How the breakers of targets stand."""
    calls: Counter[Labels] = field(default_factory=Counter)
    """Of back ends, by target, port and outcome."""
    call_seconds: Spread = field(default_factory=lambda: Spread(CALL))
    """How long they took, by port."""
    notices: Counter[Labels] = field(default_factory=Counter)
    """Messages, by subscription and outcome."""
    _drifting: frozenset[Ref] = frozenset()
    _wanted: dict[Ref, float] = field(default_factory=dict)
    """When it was first seen that git wants it so, of what is not ready yet."""
    _result: str = ""
    _planned_at: float = 0.0
    _reported: bool = False

    # -- rounds ----------------------------------------------------------------------------------------------------

    @contextmanager
    def round(self) -> Iterator[None]:
        """A round goes on while the block runs."""
        began = self._planned_at = self.timer()
        self._result, self._reported = "quiet", False
        try:
            yield
        except LeaseHeld:
            raise
        except Exception:
            self._ended("error", began)
            raise
        self._ended(self._result, began)

    def _ended(self, result: str, began: float) -> None:
        now = self.timer()
        with self.lock:
            if self._reported or self._planned_at == began:
                phase = "apply" if self._reported else "plan"
                self.durations.add((phase,), now - self._planned_at)
            self.rounds[result,] += 1
            if result not in ("error", "failed"):
                self.succeeded_at = self.clock()

    def queued(self, waiting: Mapping[str, int]) -> None:
        """So many wait now, by class."""
        self.waiting = dict(waiting)

    def waited(self, why: str, seconds: float) -> None:
        """Something of a class has waited so long until its round began."""
        with self.lock:
            self.waits.add((why,), seconds)

    # -- what a round found ----------------------------------------------------------------------------------------

    def planned(self, plan: Plan, observed: Observed, targets: Collection[str]) -> None:
        """A plan was made, by what was observed. ``targets``: all that are declared."""
        now = self.timer()
        with self.lock:
            self.durations.add(("plan",), now - self._planned_at)
            self._planned_at = now
            self.commit = plan.commit
            self._result = "blocked" if plan.blocked else "quiet"
            self._observed(observed, targets)
            self.held = Counter((str(why),) for action in plan.actions if (why := _why_not(action)))
            away = (action.blocked for action in plan.actions if action.verb in _AWAY)
            self.kept = Counter((str(why),) for why in away if why)
            self._drift(plan)
            self._want(plan)
        if plan.unreachable:
            self._result = "failed"

    def _observed(self, observed: Observed, targets: Collection[str]) -> None:
        now = self.clock()
        for target, state in observed.targets.items():
            if target in observed.kept:
                continue
            self.reachable[target] = state.reachable
            if state.reachable:
                self.seen_at[target] = now
                self.breakers.pop(target, None)
        alive = {*targets, *observed.targets}
        for known in (self.reachable, self.seen_at, self.breakers):
            for target in known.keys() - alive:
                known.pop(target, None)

    def _drift(self, plan: Plan) -> None:
        drifting = frozenset(action.ref for action in plan.actions if _drifted(action))
        self.drifted.update((ref.kind,) for ref in drifting - self._drifting)
        self._drifting = drifting

    def _want(self, plan: Plan) -> None:
        asked = {a.ref for a in plan.actions if a.verb in _MADE | {Verb.DEFER} and a.reason not in _DRIFT}
        fresh = {a.ref for a in plan.actions if a.verb in _MADE and a.reason in _ASKED_FOR}
        now = self.clock()
        self._wanted = {ref: at for ref, at in self._wanted.items() if ref in asked} | {
            ref: self._wanted.get(ref, now) for ref in fresh
        }

    def reported(self, report: Report) -> None:
        """What became of the plan."""
        with self.lock:
            self._reported = True
            self._result = "blocked" if report.plan.blocked else "done"
            if went_wrong(report.plan, report.outcomes):
                self._result = "failed"
            for outcome in report.outcomes:
                action = outcome.action
                if outcome.state != "deferred":
                    self.actions[action.ref.kind, action.verb.value, outcome.state] += 1
                if outcome.state == "done" and action.ref in self._drifting:
                    self.mended[action.ref.kind,] += 1
                    self._drifting -= {action.ref}
            self._ready(report)

    def _ready(self, report: Report) -> None:
        now = self.clock()
        for ref in self._wanted.keys() & report.conditions.keys():
            if any(c.type is ConditionType.READY and c.status == "True" for c in report.conditions[ref]):
                self.ready.add((ref.kind,), max(0.0, now - self._wanted.pop(ref)))

    # -- targets ---------------------------------------------------------------------------------------------------

    def breaker(self, target: str, state: Breaker) -> None:
        """How the breaker of a target stands from now on."""
        with self.lock:
            self.breakers[target] = state

    def called(self, labels: tuple[str, str, str], seconds: float) -> None:
        """A back end was called: target, port, outcome; it took so many seconds."""
        with self.lock:
            self.calls[labels] += 1
            self.call_seconds.add((labels[1],), seconds)

    def notified(self, subscription: str, outcome: Literal["sent", "failed"]) -> None:
        """A message was sent, or could not be."""
        with self.lock:
            self.notices[subscription, outcome] += 1


def _why_not(action: Action) -> Reason | None:
    """Why an action of a plan waits; None when nothing keeps it."""
    return action.blocked or (action.reason if action.verb is Verb.DEFER or action.reason in HELD else None)


def _drifted(action: Action) -> bool:
    return action.reason in _DRIFT or any(one.origin == "drift" and not one.ignored for one in action.changes)
