"""``GET /metrics`` on reconciling: what the loop has measured of itself, and how the records say that all stands.

What is counted from records is kept between two scrapes, and counted anew only when a run has ended since.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from reconciler import __version__
from reconciler.measured import Labels, Measured, Spread
from reconciler.model import BLOCKS, HELD, ConditionType, Ref
from reconciler.records.store import Store

Family = GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily | InfoMetricFamily
_BREAKERS = {"closed": 0.0, "half open": 1.0, "open": 2.0}
RESULTS = ("quiet", "done", "blocked", "failed", "error")
_LONGEST = 300.0
"""Seconds after which counts are made anew in any case."""
LEASE = "reconcile"
T = TypeVar("T")


class Reconciling(Collector):
    """What the loop has measured of itself since it began."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def describe(self) -> Iterator[Family]:
        """Nothing: names are not looked up in advance."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """All of it, at this moment."""
        seen = self._measured
        with seen.lock:
            return iter([*_of_rounds(seen), *_of_plans(seen), *_of_targets(seen)])


def _of_rounds(seen: Measured) -> Iterator[Family]:
    yield _info("hanse_build", "Which Hanse it is.", {"version": __version__})
    yield _gauge("hanse_leader", "1 while this process holds the lease, 0 while it stands by.", float(seen.leading))
    if seen.commit:
        yield _info("hanse_commit_in_force", "The commit that the last round went by.", {"commit": seen.commit})
    about = "When the last round ended that went well: nothing to do, done, or waiting for a person."
    yield _gauge("hanse_reconcile_last_success_timestamp_seconds", about, seen.succeeded_at)
    counted = {(result,): seen.rounds[result,] for result in RESULTS}
    yield _counter("hanse_reconcile_rounds", "Rounds by how they ended.", ("result",), counted)
    yield _spread("hanse_reconcile_duration_seconds", "How long a round took, by phase.", ("phase",), seen.durations)
    yield _spread("hanse_queue_wait_seconds", "How long a reason waited for its round.", ("class",), seen.waits)
    waiting = {(why,): float(number) for why, number in seen.waiting.items()}
    yield _gauges("hanse_queue_waiting", "Reasons for a round that wait now.", ("class",), waiting)


def _of_plans(seen: Measured) -> Iterator[Family]:
    reasons: dict[Labels, int] = {(str(reason),): 0 for reason in sorted(BLOCKS | HELD)}
    about = "Deletes and replaces of the last plan that may not be done, by why not."
    yield _gauges("hanse_deletes_blocked", about, ("reason",), reasons | seen.kept)
    about = "Actions of the last plan that wait or may not be done, by why not."
    yield _gauges("hanse_actions_waiting", about, ("reason",), seen.held)
    labels = ("kind", "verb", "outcome")
    yield _counter("hanse_actions", "Actions that were attempted, by how they ended.", labels, seen.actions)
    yield _counter("hanse_drift_found", "How often the world was found moved.", ("kind",), seen.drifted)
    yield _counter("hanse_drift_mended", "How often that was mended.", ("kind",), seen.mended)
    about = "From the round that first saw what git wants until it was ready."
    yield _spread("hanse_time_to_ready_seconds", about, ("kind",), seen.ready)
    sent = ("subscription", "outcome")
    yield _counter("hanse_notifications", "Messages to subscribers, sent or failed.", sent, seen.notices)


def _of_targets(seen: Measured) -> Iterator[Family]:
    now, reach = seen.clock(), seen.reachable
    ages = {(target,): max(0.0, now - at) for target, at in seen.seen_at.items()}
    about = "How long ago a target was last read with success."
    yield _gauges("hanse_target_observation_age_seconds", about, ("target",), ages)
    up = {(target,): float(well) for target, well in reach.items()}
    yield _gauges("hanse_target_reachable", "1 where the last read went well.", ("target",), up)
    about = "The breaker of a target: 0 closed, 1 half open, 2 open (left alone until the next round)."
    breakers = {(target,): _BREAKERS[seen.breakers.get(target, "closed")] for target in reach.keys() | seen.breakers}
    yield _gauges("hanse_target_breaker_state", about, ("target",), breakers)
    asked = ("target", "port", "outcome")
    yield _counter("hanse_target_calls", "Calls of back ends, by how they ended.", asked, seen.calls)
    yield _spread("hanse_call_duration_seconds", "How long calls of back ends took.", ("port",), seen.call_seconds)


@dataclass(frozen=True)
class Standing:
    """How the records say that all stands."""

    counts: Mapping[tuple[str, str, str], int]
    drifting: Mapping[Ref, datetime]


@dataclass
class Remembered(Generic[T]):
    """What is costly to count, until ``mark`` is another."""

    count: Callable[[], T]
    mark: Callable[[], object]
    clock: Callable[[], datetime]
    lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[object, datetime, T] | None = None

    def __call__(self) -> T:
        """It, as it was when the mark changed last, or not long ago."""
        with self.lock:
            mark, now = self.mark(), self.clock()
            kept = self._kept
            if kept is None or kept[0] != mark or not 0 <= (now - kept[1]).total_seconds() < _LONGEST:
                kept = self._kept = (mark, now, self.count())
            return kept[2]


class FromRecords(Collector):
    """How all stands, whoever wrote it down: those who stand by tell the same."""

    def __init__(self, store: Store, clock: Callable[[], datetime], *, each: bool = False) -> None:
        """With ``each``, single resources are told of."""
        self._store, self._clock, self._each = store, clock, each
        conditions = store.conditions
        self._standing = Remembered(lambda: Standing(conditions.counts(), conditions.drifting()), self._mark, clock)
        self._ready = Remembered(self._by_resource, self._mark, clock)

    def describe(self) -> Iterator[Family]:
        """Nothing: names are not looked up in advance."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """All of it, at this moment."""
        standing = self._standing()
        labels = ("kind", "condition", "status")
        yield _gauges("hanse_resources", "Resources by kind and condition.", labels, standing.counts)
        yield from _drift(standing, self._clock())
        yield from self._heads()
        lease = self._store.lease.current(LEASE)
        yield _gauge("hanse_lease_held", "1 while somebody works on this database.", float(lease is not None))
        if self._each:
            about = "1 where a resource is ready."
            yield _gauges("hanse_resource_ready", about, ("kind", "namespace", "name"), self._ready())
            now = self._clock()
            since = {_named(ref): _age(at, now) for ref, at in standing.drifting.items()}
            about = "How long a resource has been drifted."
            yield _gauges("hanse_resource_drift_seconds", about, ("kind", "namespace", "name"), since)

    def _heads(self) -> Iterator[Family]:
        known = {(head.branch,): float(bool(head.why)) for head in self._store.heads.all()}
        about = "1 where the head of a branch is not in force, or it cannot be fetched."
        yield _gauges("hanse_source_withheld", about, ("branch",), known)

    def _mark(self) -> object:
        return [(run.id, run.state) for run in self._store.runs.history(1)]

    def _by_resource(self) -> Mapping[Labels, float]:
        return {
            _named(ref): float(any(c.type is ConditionType.READY and c.status == "True" for c in found))
            for ref, found in self._store.conditions.all().items()
        }


def _drift(standing: Standing, now: datetime) -> Iterator[Family]:
    number, longest, added = Counter[Labels](), dict[Labels, float](), dict[Labels, float]()
    for kind in {name for name, _, _ in standing.counts}:
        number[kind,] = 0
        longest[kind,] = added[kind,] = 0.0
    for ref, since in standing.drifting.items():
        key, seconds = (ref.kind,), _age(since, now)
        number[key] += 1
        longest[key] = max(longest.get(key, 0.0), seconds)
        added[key] = added.get(key, 0.0) + seconds
    yield _gauges("hanse_drifted_resources", "Resources that the world has moved, and stay so.", ("kind",), number)
    about = "For how long the one has been drifted that has been so for the longest time."
    yield _gauges("hanse_drift_longest_seconds", about, ("kind",), longest)
    yield _gauges("hanse_drift_added_seconds", "The same of all of them, added up.", ("kind",), added)


def _named(ref: Ref) -> Labels:
    return ref.kind, ref.namespace or "", ref.name


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value)


def _info(name: str, about: str, value: Mapping[str, str]) -> InfoMetricFamily:
    return InfoMetricFamily(name, about, dict(value))


def _gauges(name: str, about: str, labels: Labels, values: Mapping[Any, float]) -> GaugeMetricFamily:
    return _filled(GaugeMetricFamily(name, about, labels=labels), values.items())


def _counter(name: str, about: str, labels: Labels, values: Mapping[Any, int]) -> CounterMetricFamily:
    return _filled(CounterMetricFamily(name, about, labels=labels), values.items())


FamilyT = TypeVar("FamilyT", GaugeMetricFamily, CounterMetricFamily)


def _filled(family: FamilyT, values: Iterable[tuple[Labels, float]]) -> FamilyT:
    for labels, value in sorted(values):
        family.add_metric(labels, value)
    return family


def _spread(name: str, about: str, labels: Labels, spread: Spread) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=labels)
    for given, buckets, total in spread.told():
        family.add_metric(given, buckets, total)
    return family
