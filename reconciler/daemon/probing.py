"""Probes: which are due, run side by side, each never beside itself; what they said goes to the records.

Every probe has its own place in its interval, computed from its name, so that thousands of probes are spread evenly,
keep their rhythm over restarts, and nobody has to remember a schedule.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from reconciler.errors import HanseError
from reconciler.kinds import Kind
from reconciler.kinds.probe import ProbeSpec, Unfilled, arguments, graded, looked_at
from reconciler.model import Inventory, Ref
from reconciler.ports import Checker, CheckResult

_log = structlog.get_logger()

Clock = Callable[[], datetime]
Record = Callable[[Ref, CheckResult, int, datetime], object]
"""Keeps a result: (probe, result, attempts before hard, when the run began)."""

WORKERS = 8


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe ready to run."""

    ref: Ref
    spec: ProbeSpec
    arguments: tuple[str, ...] = ()
    """With placeholders filled."""
    missing: str = ""
    """Why they could not be filled; the result is UNKNOWN then."""


def prepared(inventory: Inventory, kinds: Mapping[str, Kind[Any]]) -> dict[Ref, Probe]:
    """The enabled probes that are in the inventory, with what it knows about their targets."""
    details = inventory.details([ref for ref in inventory.entries if ref.kind == "Probe"])
    specs = {ref: ProbeSpec.model_validate_json(held.content) for ref, held in details.items()}
    targets = {ref: looked_at(ref, spec) for ref, spec in specs.items() if spec.enabled}
    held = inventory.details({target for target in targets.values() if target and target in inventory.entries})
    found = {}
    for ref, target in targets.items():
        about = held.get(target) if target else None
        declared = kinds[target.kind].Spec.model_validate_json(about.content) if target and about else None
        found[ref] = _filled(ref, specs[ref], declared, about.outputs if about else {})
    return found


def _filled(ref: Ref, spec: ProbeSpec, declared: Any, outputs: Mapping[str, Any]) -> Probe:
    try:
        return Probe(ref, spec, arguments(spec, declared, outputs))
    except Unfilled as error:
        return Probe(ref, spec, missing=str(error))


def next_run(ref: Ref, interval: int, last: datetime | None, now: datetime) -> datetime:
    """When a probe is due: at its place in each interval (seconds), at once when it has never run."""
    if last is None:
        return now
    place = int.from_bytes(hashlib.sha256(ref.encode()).digest()[:8], "big") % (interval * 1000) / 1000
    turn = math.floor((last.timestamp() - place) / interval)
    if last > now + timedelta(seconds=interval):  # the clock was put back
        return now
    return datetime.fromtimestamp((turn + 1) * interval + place, UTC)


def due(probes: Iterable[Probe], last: Mapping[Ref, datetime], now: datetime) -> list[Probe]:
    """The probes whose time has come, the longest overdue first. ``last`` says when each ran last."""
    times = [(next_run(p.ref, p.spec.interval, last.get(p.ref), now), p) for p in probes]
    return [probe for time, probe in sorted(times, key=lambda one: (one[0], one[1].ref)) if time <= now]


def run_once(probe: Probe, checker: Checker) -> CheckResult:
    """One run, graded by the probe's own thresholds. What cannot be run is UNKNOWN."""
    if probe.missing:
        return CheckResult("UNKNOWN", probe.missing)
    try:
        result = checker.check(probe.spec.plugin, probe.arguments, probe.spec.timeout)
    except HanseError as error:
        return CheckResult("UNKNOWN", f"{probe.spec.plugin} was not run: {error}")
    return graded(result, probe.spec.thresholds)


def run_due(
    probes: Iterable[Probe],
    last: Mapping[Ref, datetime],
    checker: Checker,
    clock: Clock,
    record: Record,
    workers: int = WORKERS,
) -> dict[Ref, CheckResult]:
    """Run everything that is due, ``workers`` at a time, and wait for it."""
    with Prober(checker, record, clock, workers) as prober:
        return prober.finish(prober.start(probes, last))


class Prober:
    """Runs probes in threads. Used as a context: what is in flight at the end is finished, what waits is dropped."""

    def __init__(self, checker: Checker, record: Record, clock: Clock, workers: int = WORKERS) -> None:
        self._checker, self._record, self._clock = checker, record, clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="probe")
        self._lock = threading.Lock()
        self._began: dict[Ref, datetime] = {}
        self._running: dict[Ref, Future[CheckResult]] = {}

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self, probes: Iterable[Probe], last: Mapping[Ref, datetime]) -> dict[Ref, Future[CheckResult]]:
        """Start what is due and not under way; ``last`` is what the records say, for probes not run here yet."""
        now = self._clock()
        with self._lock:
            idle = [probe for probe in probes if probe.ref not in self._running]
            ready = due(idle, {**last, **self._began}, now)
            started = {probe.ref: self._pool.submit(self._run, probe) for probe in ready}
            self._began.update(dict.fromkeys(started, now))
            self._running.update(started)
        for ref, future in started.items():
            future.add_done_callback(partial(self._ended, ref))
        return started

    def finish(self, started: Mapping[Ref, Future[CheckResult]]) -> dict[Ref, CheckResult]:
        """Wait for runs and return their results."""
        wait(started.values())
        return {ref: future.result() for ref, future in started.items() if not future.cancelled()}

    def _run(self, probe: Probe) -> CheckResult:
        began = self._clock()
        result = run_once(probe, self._checker)
        try:
            self._record(probe.ref, result, probe.spec.attempts, began)
        except HanseError as error:
            _log.error("result not kept", probe=probe.ref, status=result.status, why=str(error))
        return result

    def _ended(self, ref: Ref, future: Future[CheckResult]) -> None:
        with self._lock:
            self._running.pop(ref, None)
        if not future.cancelled() and (error := future.exception()):
            _log.error("probe not run: this is a fault of Hanse", probe=ref, exc_info=error)


def keep_probing(
    prober: Prober,
    probes: Callable[[], Iterable[Probe]],
    last: Callable[[], Mapping[Ref, datetime]],
    stop: threading.Event,
    look_every: float = 1.0,
) -> None:
    """Start what is due until ``stop`` is set, looking every ``look_every`` seconds.

    ``probes`` is asked each time and may answer from memory; ``last`` is asked once, for what ran before this process.
    """
    before = last()
    with prober:
        while not stop.is_set():
            try:
                prober.start(probes(), before)
            except HanseError as error:
                _log.error("probes not started", why=str(error))
            stop.wait(look_every)
