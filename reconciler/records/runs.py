"""Runs: who reconciled which commit, when, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from reconciler.model import Run
from reconciler.records.database import Database
from reconciler.records.tables import EventRow, OperationRow, RunRow, table

_RUNS, _OPERATIONS, _EVENTS = table(RunRow), table(OperationRow), table(EventRow)
_OWN = {"id", "state", "message"}
_ALIKE = tuple(column for column in _OPERATIONS.c if column.name in _EVENTS.c and column.name not in _OWN)
"""What an event says as its operation does."""


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


def interrupted(connection: Connection, run: str, now: datetime, found: str = "") -> None:
    """Finish a run that was killed or broke off. Its journal knows what it did; what is ``open`` may have been done.

    What it had begun and never settled is told as an event, once; ``found`` is the run that has found it so.
    """
    row = _OPERATIONS.c
    journal = select(row.verb, row.state, func.count()).where(row.run == run).group_by(row.verb, row.state)
    counts = Counter[str]()
    for verb, state, number in connection.execute(journal):
        counts[verb if state == "done" else "failed" if state == "failed" else "open"] += number
    if _first_to_say(connection, run):
        _tell_begun(connection, run, now, found)
    ended(connection, run, "interrupted", dict(sorted(counts.items())), now)


def _first_to_say(connection: Connection, run: str) -> bool:
    """Whether nobody had ended it: who was held up, and lost the lease, says so too when it goes on."""
    still = (_RUNS.c.id == run) & (_RUNS.c.state == "running")
    return bool(connection.execute(update(_RUNS).where(still).values(state="interrupted")).rowcount)


def _tell_begun(connection: Connection, run: str, now: datetime, found: str) -> None:
    """Events of what was begun. What became ``unknown`` has one already: it failed, and may have left a part."""
    row = _OPERATIONS.c
    begun = select(row.id, row.intended_at, *_ALIKE).where(row.run == run, row.state.in_(("intended", "started")))
    by = f" by run {found}" if found else ""
    events = [
        {
            **{column.name: getattr(one, column.name) for column in _ALIKE},
            "at": now,
            "state": "interrupted",
            "message": f"begun {_when(one.intended_at)}, found {_when(now)}{by}: its end was never written down",
            "operation": one.id,
            "seconds": 0.0,
        }
        for one in connection.execute(begun.order_by(row.id))
    ]
    if events:
        connection.execute(insert(_EVENTS), events)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
