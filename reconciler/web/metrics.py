"""``GET /metrics``: how every probe stands, how probing keeps up, and how reconciling goes, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.kinds.probe import Checks, Looked
from reconciler.model import ProbeState
from reconciler.ports import STATUSES
from reconciler.web.known import Known, bearing, in_thread
from reconciler.web.reconciling_metrics import FromRecords, Reconciling

_LABELS = ("probe", "service", "hostname", "metric")
_Family = GaugeMetricFamily | CounterMetricFamily


def routes(known: Known) -> list[Route]:
    """The route of metrics."""
    registry = CollectorRegistry(auto_describe=False)
    for one in collectors(known):
        registry.register(one)
    if known.measured is not None:
        ProcessCollector(registry=registry)

    def told(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", bearing(known, "metrics", in_thread(told)), methods=["GET"])]


def collectors(known: Known) -> Iterator[Collector]:
    """What is told of: probes, and reconciling where it goes on beside."""
    yield _Probes(known)
    if known.measured is not None:
        yield Reconciling(known.measured)
        yield FromRecords(known.store, known.clock, each=known.settings.per_resource_metrics)


class _Probes(Collector):
    """Reads the records when it is asked. Probes that are not declared any more are left out."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def describe(self) -> Iterator[_Family]:
        return iter(())

    def collect(self) -> Iterator[_Family]:
        waiting, lag = self._known.backlog()
        yield GaugeMetricFamily("hanse_probes_waiting", "Probes that are due and wait for a free worker.", waiting)
        about = "Seconds for which the probe that waits longest for a free worker has been due."
        yield GaugeMetricFamily("hanse_probes_lag_seconds", about, lag)
        checks = self._known.checks() or Checks()
        states = self._known.store.probes.states()
        now = self._known.clock()
        stand = [(_labels(state, checks), state) for ref, state in sorted(states.items()) if ref in checks.attempts]
        yield GaugeMetricFamily("hanse_probes", "Probes that are run or told of.", len(checks.attempts))
        yield from _filled(stand, now.timestamp())


def _filled(stand: list[tuple[tuple[str, ...], ProbeState]], now: float) -> Iterator[_Family]:
    status = _gauge("status", "What the probe said last: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
    hard = _gauge("hard_status", "What it has said often enough, in the same numbers.")
    took = _gauge("duration_seconds", "How long its last run took.")
    age = _gauge("age_seconds", "How long ago that run began.")
    late = _gauge("late_seconds", "How much too late that run began.")
    runs = CounterMetricFamily("hanse_probe_runs", "Results so far.", labels=_LABELS)
    missed = CounterMetricFamily("hanse_probe_missed", "Runs that were due and never happened.", labels=_LABELS)
    for labels, state in stand:
        status.add_metric(labels, STATUSES.index(state.status))
        hard.add_metric(labels, STATUSES.index(state.hard_status))
        took.add_metric(labels, state.seconds)
        age.add_metric(labels, max(0.0, now - state.checked_at.timestamp()))
        late.add_metric(labels, state.late)
        runs.add_metric(labels, state.runs)
        missed.add_metric(labels, state.missed)
    yield from (status, hard, took, age, late, runs, missed)


def _gauge(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hanse_probe_{name}", about, labels=_LABELS)


def _labels(state: ProbeState, checks: Checks) -> tuple[str, ...]:
    looked = checks.about.get(state.ref) or Looked("", "", "")
    return (state.ref.partition("/")[2], *looked)
