"""``make bench``: a month of jobs taken from sacct's text, summarised, reported and written as messages.

Each row is what one command does with it, in one process; seconds are wall clock, memory is the process's peak.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from reconciler import metering
from reconciler.drivers.slurm.accounting import FIELDS, parsed
from reconciler.exchange.apel import JOB, batches
from reconciler.exchange.apel.accounts import Naming, job_record, summaries, summed
from reconciler.exchange.usage import totals
from reconciler.records.store import open_store

JOBS = 1_000_000
MONTH = "2026-10"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
BAY = Naming("BAY", {}, {}, {})
_BEGIN, _SECONDS = 1790812800, 31 * 86_400 - 90_000

ResultT = TypeVar("ResultT")


def sacct(count: int, seed: int = 1) -> str:
    """What sacct says of so many jobs, each with one step."""
    draw = random.Random(seed)

    def rows() -> Iterator[str]:
        yield FIELDS.replace(",", "|")
        for number in range(count):
            start, wall, cores = (
                _BEGIN + draw.randrange(_SECONDS),
                draw.randrange(86_400),
                draw.choice((1, 2, 4, 8, 64)),
            )
            user, vo, cpu = draw.randrange(200), draw.randrange(20), wall * cores * 9 // 10
            used = f"{cpu // 86400}-{cpu // 3600 % 24:02}:{cpu // 60 % 60:02}:{cpu % 60:02}"
            shared = f"COMPLETED|{start}|{start + wall}|{wall}|00:00:00|{used}|{cores}|1"
            yield f"{number}|slurm|user{user}|vo{vo}|main|{shared}||cpu={cores}"
            yield f"{number}.batch|slurm||vo{vo}||{shared}|{draw.randrange(1, 4096)}M|cpu={cores}"

    return "\n".join(rows()) + "\n"


def measured(what: str, do: Callable[[], ResultT]) -> ResultT:
    """Do it, and print how long it took."""
    began = time.perf_counter()
    made = do()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {time.perf_counter() - began:.1f} s | {peak:.0f} MiB |", flush=True)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="?", type=int, default=JOBS)
    count = parser.parse_args().jobs
    text = sacct(count)
    print(f"{count:,} jobs, {len(text) / 1e6:.0f} MB of sacct's text\n\n| step | time | peak memory |\n|---|---|---|")
    jobs = measured("read sacct", lambda: parsed(text))
    uses = measured("records", lambda: metering.of_jobs(jobs, "BAY", NOW, {}, ("hepspec", 10.0)))[MONTH]
    with TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder) / 'hanse.db'}", lambda: NOW) as store:
        measured("store the month", lambda: store.usage.rebuild(MONTH, uses, site="BAY", kind="job"))
        sums = measured("add up in the database", lambda: store.usage.sums(MONTH))
        measured("report", lambda: totals(sums, ("month", "site", "vo", "user")))
        uses = list(measured("read the month", lambda: store.usage.month(MONTH)))
    found = measured("summaries", lambda: summaries(sums, BAY, normalised=True))
    measured("add up in memory", lambda: summed(uses))
    measured("report from single jobs", lambda: totals(uses, ("month", "site", "vo", "user")))
    told = measured("write messages", lambda: batches(JOB, (job_record(use, BAY) for use in uses), NOW))
    print(f"\n{len(found):,} summaries; {len(told.messages):,} messages of {told.records:,} jobs")


if __name__ == "__main__":
    main()
