"""``python -m tests.benchmarks.availability``: one day's availability of many endpoints, its time and its memory.

Samples are made up as they are asked for, one in fifty of them bad, so that memory is what the engine takes. With
``--database`` they are written to SQLite first, and the day is computed from there, as a report does.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reconciler.availability import Endpoint, Group, Inputs, MetricProfile, Sample, Series, Thresholds, computed
from reconciler.kinds.aggregationprofile import DEFAULT, profile_of
from reconciler.kinds.report import BUILTIN
from reconciler.model import Ref
from reconciler.model.uptime import UptimeDay
from reconciler.records.store import open_store
from reconciler.uptime.days import records
from reconciler.uptime.declared import Declaration, Source
from reconciler.uptime.results import series as read

ENDPOINTS, METRICS, SITES, STEP = 10_000, 10, 250, 900
START = datetime(2026, 10, 2, tzinfo=UTC)
_SERVICE = "org.openstack.nova"
_NAMES = tuple(f"metric-{n}" for n in range(METRICS))


def declared(number: int) -> Declaration:
    """A federation: endpoints spread over sites, each with the same metrics."""
    groups = tuple(Group(f"NGI_{n % 20}", f"SITE-{n}") for n in range(SITES))
    endpoints = tuple(Endpoint(f"SITE-{n % SITES}", _SERVICE, f"host{n}.example.org") for n in range(number))
    sources = tuple(
        Source(Ref(f"Probe/vo/{n:05}-{metric}"), _SERVICE, one.hostname, metric, enabled=True)
        for n, one in enumerate(endpoints)
        for metric in _NAMES
    )
    profile = MetricProfile("bench", {_SERVICE: frozenset(_NAMES)})
    aggregation = profile_of("bench", DEFAULT)
    return Declaration("Default", BUILTIN["Default"], groups, endpoints, sources, profile, aggregation, Thresholds())


def made_up(about: Declaration) -> Iterator[Series]:
    """A sample every 15 minutes, and the last one of the day before."""
    dice = random.Random(1)
    seconds = range(-STEP, 86_400, STEP)
    for one in about.sources:
        shift = dice.randrange(STEP)
        states = dice.choices(("OK", "CRITICAL", "WARNING"), (49, 0.7, 0.3), k=len(seconds))
        samples = [Sample(at + shift, state) for at, state in zip(seconds, states, strict=True)]
        yield Series(one.service, one.hostname, one.metric, samples)


def stored(about: Declaration, file: Path) -> None:
    """The same as rows of results."""
    texts = {}
    with sqlite3.connect(file) as database:
        for one, source in zip(made_up(about), about.sources, strict=True):
            rows = []
            for second, status, _, _ in one.samples:
                if second not in texts:
                    texts[second] = (START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S.000000")
                rows.append((str(source.ref), texts[second], status))
            database.executemany(
                "INSERT INTO probe_results (ref, at, status, summary, perfdata, seconds, attempt, hard)"
                " VALUES (?, ?, ?, '', '[]', 0, 0, 1)",
                rows,
            )
    database.close()


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoints", type=int, default=ENDPOINTS)
    parser.add_argument("--database", action="store_true")
    asked = parser.parse_args()
    about = declared(asked.endpoints)
    inputs = Inputs(about.groups, about.endpoints, about.metrics, about.aggregation)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/hanse.db", lambda: START)
        if asked.database:
            stored(about, Path(folder) / "hanse.db")
        began = time.perf_counter()
        day = computed(read(store, about, (), START) if asked.database else made_up(about), inputs)
        counted = time.perf_counter()
        rows = records(day, about, START.date())
        store.uptime.rebuild(UptimeDay("Default", date(2026, 10, 2), "", "", complete=True, computed_at=START), rows)
        ended = time.perf_counter()
        store.close()
    samples = len(about.sources) * (86_400 // STEP + 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{asked.endpoints:,} endpoints, {samples:,} samples: computed in {counted - began:.1f} s, "
        f"{len(rows):,} rows kept in {ended - counted:.1f} s, peak {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
