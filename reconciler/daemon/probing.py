"""Probes: which are due, run side by side, each never beside itself; what they said goes to the records."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

import structlog

from reconciler.daemon.prepared import Probe
from reconciler.daemon.turns import PER_SECOND, Ran, late, missed, next_run, spread
from reconciler.errors import HanseError, Terminal
from reconciler.kinds.metrictemplate import Secret
from reconciler.kinds.probe import graded
from reconciler.model import Gap, ProbeState, Ref
from reconciler.ports import Checker, CheckResult

_log = structlog.get_logger()

Clock = Callable[[], datetime]
Secrets = Callable[[str], str]
"""The value of a secret that a template names. Raises a HanseError."""
WORKERS = 8


def no_secret(name: str) -> str:
    """Where no secrets are known. Raises Terminal."""
    raise Terminal(f"nobody says the secret {name}")


class Keep(Protocol):
    """Keeps what came of runs, and that some never were."""

    def result(self, probe: Probe, result: CheckResult, began: datetime, late: float) -> ProbeState | None:
        """Keep a result of a run that began ``late`` seconds too late, and say how the probe stands then."""
        ...

    def missed(self, gaps: Sequence[Gap]) -> object:
        """Keep that runs were due and never happened."""
        ...


def _next(probe: Probe, last: Ran | None, now: datetime) -> datetime:
    return next_run(probe.ref, probe.spec.interval, last, now, probe.spec.retryInterval)


def run_once(probe: Probe, checker: Checker, secret: Secrets = no_secret) -> CheckResult:
    """One run, graded by the probe's own thresholds. What cannot be run is UNKNOWN; no secret is in what is said."""
    plugin = probe.path or probe.spec.plugin
    if probe.missing or plugin is None:
        return CheckResult("UNKNOWN", probe.missing or "it is not run: others tell how it stands")
    try:
        secrets = {str(one): secret(one) for one in probe.arguments if isinstance(one, Secret)}
        words = [secrets[one] if isinstance(one, Secret) else one for one in probe.arguments]
        result = checker.check(plugin, words, probe.spec.timeout)
    except HanseError as error:
        return CheckResult("UNKNOWN", f"{plugin.rpartition('/')[2]} was not run: {error}")
    return graded(_hushed(result, secrets), probe.spec.thresholds)


def _hushed(result: CheckResult, secrets: Mapping[str, str]) -> CheckResult:
    """A plugin may repeat what it was given."""
    for name, value in secrets.items():
        if value and value in result.summary:
            result = replace(result, summary=result.summary.replace(value, f"${name}"))
    return result


def run_due(
    probes: Iterable[Probe],
    last: Mapping[Ref, Ran],
    checker: Checker,
    clock: Clock,
    keep: Keep,
    workers: int = WORKERS,
    secret: Secrets = no_secret,
) -> dict[Ref, CheckResult]:
    """Run everything that is due, ``workers`` at a time, and wait for it."""
    with Prober(checker, keep, clock, workers, per_second=0, secret=secret) as prober:
        return prober.finish(prober.start(probes, last))


_BACK = timedelta(seconds=30)
"""A clock that goes back by more was put back."""


class _Turn(NamedTuple):
    """The next run of a probe, and the interval it was computed with."""

    interval: int
    begin: datetime
    due: datetime


class Prober:
    """Runs probes in threads. Used as a context: what is in flight at the end is finished, what waits is dropped.

    ``per_second``: so many overdue probes are begun in a second at most, 0 for any number.
    """

    def __init__(
        self,
        checker: Checker,
        keep: Keep,
        clock: Clock,
        workers: int = WORKERS,
        per_second: float = PER_SECOND,
        secret: Secrets = no_secret,
    ) -> None:
        self._secret = secret
        self._checker, self._keep, self._clock, self._per_second = checker, keep, clock, per_second
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="probe")
        self._lock = threading.Lock()
        self._ran: dict[Ref, Ran] = {}
        self._next: dict[Ref, _Turn] = {}
        self._queue: list[tuple[datetime, Ref]] = []
        self._given: Iterable[Probe] = ()
        self._known: dict[Ref, Probe] = {}
        self._looked = datetime.min.replace(tzinfo=UTC) + _BACK
        self._running: dict[Ref, Future[CheckResult]] = {}
        self._waiting: dict[Ref, datetime] = {}

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def lag(self) -> float:
        """Seconds for which the run that waits longest for a free worker has been due; 0 when none waits."""
        with self._lock:
            oldest = min(self._waiting.values(), default=None)
        return 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())

    @property
    def waiting(self) -> int:
        """Runs that are due and wait for a free worker."""
        return len(self._waiting)

    def start(self, probes: Iterable[Probe], last: Mapping[Ref, Ran]) -> dict[Ref, Future[CheckResult]]:
        """Start what is due and not under way; ``last`` is what the records say, for probes not run here yet."""
        now = self._clock()
        with self._lock:
            ready = self._ready(probes, last, now)
            gaps = [self._missed(probe, last, now) for _, probe in ready]
            self._waiting.update({probe.ref: time for time, probe in ready})
            started = {probe.ref: self._pool.submit(self._run, probe, time) for time, probe in ready}
            self._ran.update(dict.fromkeys(started, Ran(now)))
            self._running.update(started)
        self._tell([gap for gap in gaps if gap])
        for ref, future in started.items():
            future.add_done_callback(partial(self._ended, ref))
        return started

    def finish(self, started: Mapping[Ref, Future[CheckResult]]) -> dict[Ref, CheckResult]:
        """Wait for runs and return their results."""
        wait(started.values())
        return {ref: future.result() for ref, future in started.items() if not future.cancelled()}

    def _ready(self, probes: Iterable[Probe], last: Mapping[Ref, Ran], now: datetime) -> list[tuple[datetime, Probe]]:
        """What is due, the longest overdue first.

        Only when other probes are given than before, or the clock was put back, all of them are looked through.
        """
        if probes is not self._given or now < self._looked - _BACK:
            if now < self._looked - _BACK:
                self._next.clear()
            self._given, self._known = probes, {probe.ref: probe for probe in probes if not probe.passive}
            self._plan(last, now)
        self._looked = now
        ready, under_way = [], []
        while self._queue and self._queue[0][0] <= now:
            begin, ref = heapq.heappop(self._queue)
            probe, turn = self._known.get(ref), self._next.get(ref)
            if probe is None or turn is None or turn.begin != begin:
                continue
            if ref in self._running:
                under_way.append((begin, ref))
            else:
                ready.append((turn.due, probe))
        for one in under_way:
            heapq.heappush(self._queue, one)
        return sorted(ready, key=lambda one: (one[0], one[1].ref))

    def _plan(self, last: Mapping[Ref, Ran], now: datetime) -> None:
        """The next turn of every probe. What is overdue and new here waits its share of the rush."""
        overdue = []
        for ref, probe in self._known.items():
            known = self._next.get(ref)
            if known is None or known.interval != probe.spec.interval:
                time = _next(probe, self._ran.get(ref) or last.get(ref), now)
                self._next[ref] = _Turn(probe.spec.interval, time, time)
                overdue += [probe] if time <= now else []
        for probe in overdue if self._per_second else ():
            begin = now + spread(probe.ref, probe.spec.interval, len(overdue), self._per_second)
            self._next[probe.ref] = self._next[probe.ref]._replace(begin=begin)
        self._queue = [(self._next[ref].begin, ref) for ref in self._known]
        heapq.heapify(self._queue)

    def _due_at(self, probe: Probe, time: datetime) -> None:
        self._next[probe.ref] = _Turn(probe.spec.interval, time, time)
        heapq.heappush(self._queue, (time, probe.ref))

    def _missed(self, probe: Probe, last: Mapping[Ref, Ran], now: datetime) -> Gap | None:
        before = self._ran.get(probe.ref) or last.get(probe.ref)
        return missed(probe.ref, probe.spec.interval, before, now)

    def _tell(self, gaps: list[Gap]) -> None:
        if not gaps:
            return
        _log.warning("runs missed", probes=len(gaps), runs=sum(gap.count for gap in gaps))
        try:
            self._keep.missed(gaps)
        except HanseError as error:
            _log.error("missed runs not kept", why=str(error))

    def _run(self, probe: Probe, due: datetime) -> CheckResult:
        began = self._clock()
        with self._lock:
            self._waiting.pop(probe.ref, None)
        result = run_once(probe, self._checker, self._secret)
        try:
            state = self._keep.result(probe, result, began, late(probe.ref, probe.spec.interval, due, began))
        except HanseError as error:
            _log.error("result not kept", probe=probe.ref, status=result.status, why=str(error))
            state = None
        ran = Ran(began, bool(state and state.soft))
        with self._lock:
            self._ran[probe.ref] = ran
            self._due_at(probe, _next(probe, ran, began))
        return result

    def _ended(self, ref: Ref, future: Future[CheckResult]) -> None:
        error = None if future.cancelled() else future.exception()
        with self._lock:
            self._running.pop(ref, None)
            self._waiting.pop(ref, None)
            if error and (probe := self._known.get(ref)):
                self._due_at(probe, _next(probe, self._ran.get(ref), self._clock()))
        if error:
            _log.error("probe not run: this is a fault of Hanse", probe=ref, exc_info=error)


def keep_probing(
    prober: Prober,
    probes: Callable[[], Iterable[Probe]],
    last: Callable[[], Mapping[Ref, Ran]],
    stop: threading.Event,
    look_every: float = 1.0,
) -> None:
    """Start what is due until ``stop`` is set, looking every ``look_every`` seconds.

    ``probes`` is asked each time, and answers with the same object as long as nothing has changed; ``last`` is asked
    once, for what ran before this process.
    """
    before = last()
    with prober:
        while not stop.is_set():
            try:
                prober.start(probes(), before)
            except HanseError as error:
                _log.error("probes not started", why=str(error))
            stop.wait(look_every)
