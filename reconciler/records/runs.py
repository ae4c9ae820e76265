"""Runs: who reconciled which commit, when, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from reconciler.model import Run
from reconciler.records.database import Database
from reconciler.records.tables import OperationRow, RunRow, table

_RUNS, _OPERATIONS = table(RunRow), table(OperationRow)


@dataclass(frozen=True)
class Runs:
    """The runs of one database."""

    database: Database
    randomness: Callable[[int], str]

    def begin(self, commit: str, plan_digest: str, who: str, kind: str) -> str:
        """Write down that a run begins; the id it returns is unique and sorts by time."""
        now = self.database.now()
        run = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{self.randomness(3)}"
        row = {"id": run, "kind": kind, "state": "running", "commit": commit, "plan_digest": plan_digest, "who": who}
        with self.database.writing() as connection:
            connection.execute(insert(_RUNS), row | {"started_at": now, "counts": {}})
        return run

    def finish(self, run: str, state: str, counts: Mapping[str, int]) -> None:
        """Write down how a run ended. ``state``: done, failed or blocked."""
        with self.database.writing() as connection:
            ended(connection, run, state, counts, self.database.now())

    def broken_off(self, run: str) -> None:
        """Write down that a run ended before its time, and what it had done by then."""
        with self.database.writing() as connection:
            interrupted(connection, run, self.database.now())

    def history(self, limit: int = 20) -> tuple[Run, ...]:
        """The latest runs, newest first."""
        statement = select(_RUNS).order_by(_RUNS.c.started_at.desc(), _RUNS.c.id.desc()).limit(limit)
        with self.database.reading() as connection:
            return tuple(Run(**row) for row in connection.execute(statement).mappings())

    def get(self, run: str) -> Run | None:
        """One run; None when there is none of that id."""
        with self.database.reading() as connection:
            row = connection.execute(select(_RUNS).where(_RUNS.c.id == run)).mappings().first()
        return Run(**row) if row else None

    def forsaken(self) -> tuple[str, ...]:
        """Runs that began and did not end: under way, or killed."""
        with self.database.reading() as connection:
            rows = connection.execute(select(_RUNS.c.id).where(_RUNS.c.state == "running").order_by(_RUNS.c.id))
            return tuple(row.id for row in rows)


def ended(connection: Connection, run: str, state: str, counts: Mapping[str, int], now: datetime) -> None:
    """Finish a run in somebody else's transaction."""
    values = {"state": state, "counts": dict(counts), "finished_at": now}
    connection.execute(update(_RUNS).where(_RUNS.c.id == run).values(values))


def interrupted(connection: Connection, run: str, now: datetime) -> None:
    """Finish a run that was killed or broke off. Its journal knows what it did; what is ``open`` may have been done."""
    row = _OPERATIONS.c
    journal = select(row.verb, row.state, func.count()).where(row.run == run).group_by(row.verb, row.state)
    counts = Counter[str]()
    for verb, state, number in connection.execute(journal):
        counts[verb if state == "done" else "failed" if state == "failed" else "open"] += number
    ended(connection, run, "interrupted", dict(sorted(counts.items())), now)
