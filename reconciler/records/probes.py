"""Probes: results, the state they add up to, and its changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from reconciler.model import Gap, ProbeRecord, ProbeState, Ref, StatusChange
from reconciler.ports import CheckResult
from reconciler.records.database import Database, chunks
from reconciler.records.tables import ProbeGapRow, ProbeResultRow, ProbeStateRow, StatusChangeRow, table

_STATES, _RESULTS, _CHANGES = table(ProbeStateRow), table(ProbeResultRow), table(StatusChangeRow)
_GAPS = table(ProbeGapRow)


@dataclass(frozen=True)
class Probes:
    """What the probes of one database have said."""

    database: Database

    def add_result(
        self, ref: Ref, result: CheckResult, attempts: int, at: datetime | None = None, late: float = 0.0
    ) -> ProbeState:
        """Keep a result and return the state it leads to; ``attempts`` results in a row make a fault hard.

        ``late``: seconds by which the run began too late.
        """
        moment = at or self.database.now()
        with self.database.writing() as connection:
            row = connection.execute(select(_STATES).where(_STATES.c.ref == str(ref))).mappings().first()
            before = state_of(row) if row else None
            after = next_state(before, ref, result, attempts, moment, late)
            self._keep(connection, result, after)
            if change := changed(before, after):
                connection.execute(insert(_CHANGES), asdict(change) | {"ref": str(ref)})
        return after

    def add_gaps(self, gaps: Collection[Gap]) -> None:
        """Keep runs that were due and never happened; the same again changes nothing."""
        if not gaps:
            return
        statement = self.database.insert(_GAPS).on_conflict_do_nothing().returning(_GAPS.c.ref)
        with self.database.writing() as connection:
            for gap in gaps:
                if connection.execute(statement, asdict(gap) | {"ref": str(gap.ref)}).first() is not None:
                    more = update(_STATES).where(_STATES.c.ref == str(gap.ref))
                    connection.execute(more.values(missed=_STATES.c.missed + gap.count))

    def gaps(self, ref: Ref | None = None, since: datetime | None = None) -> tuple[Gap, ...]:
        """Runs that were due and never happened, in the order of time."""
        limits = [_GAPS.c.ref == str(ref)] if ref is not None else []
        limits += [_GAPS.c.last >= since] if since is not None else []
        with self.database.reading() as connection:
            rows = connection.execute(select(_GAPS).where(*limits).order_by(_GAPS.c.first, _GAPS.c.ref)).mappings()
            return tuple(Gap(**{**row, "ref": Ref(row["ref"])}) for row in rows)

    def states(self, refs: Collection[Ref] | None = None) -> dict[Ref, ProbeState]:
        """How probes stand; all of them when ``refs`` is None."""
        statement = select(_STATES)
        parts = [statement] if refs is None else [statement.where(_STATES.c.ref.in_(some)) for some in chunks(refs)]
        with self.database.reading() as connection:
            found = [state_of(row) for part in parts for row in connection.execute(part).mappings()]
        return {state.ref: state for state in found}

    def results(self, ref: Ref, limit: int = 100, since: datetime | None = None) -> tuple[ProbeRecord, ...]:
        """The latest results of one probe, newest first."""
        statement = select(_RESULTS).where(_RESULTS.c.ref == str(ref)).order_by(_RESULTS.c.at.desc()).limit(limit)
        if since is not None:
            statement = statement.where(_RESULTS.c.at >= since)
        with self.database.reading() as connection:
            return tuple(_result(row) for row in connection.execute(statement).mappings())

    def status_changes(
        self,
        ref: Ref | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        hard: bool = False,
    ) -> tuple[StatusChange, ...]:
        """Changes of state in the order of time; only those that count for availability with ``hard``."""
        row = _CHANGES.c
        limits = [row.ref == str(ref)] if ref is not None else []
        limits += [row.at >= since] if since is not None else []
        limits += [row.at < until] if until is not None else []
        limits += [row.hard] if hard else []
        with self.database.reading() as connection:
            rows = connection.execute(select(_CHANGES).where(*limits).order_by(row.at, row.id))
            return tuple(StatusChange(Ref(r.ref), r.at, r.before, r.after, r.hard, r.summary) for r in rows)

    def trim(self, before: datetime) -> int:
        """Forget results and gaps older than ``before`` and say how many; states and changes stay."""
        with self.database.writing() as connection:
            connection.execute(delete(_GAPS).where(_GAPS.c.last < before))
            return connection.execute(delete(_RESULTS).where(_RESULTS.c.at < before)).rowcount

    def _keep(self, connection: Connection, result: CheckResult, state: ProbeState) -> None:
        connection.execute(self.database.upsert(_RESULTS), result_row(result, state))
        connection.execute(self.database.upsert(_STATES), asdict(state) | {"ref": str(state.ref)})


def result_row(result: CheckResult, state: ProbeState) -> dict[str, Any]:
    """The row of a result that led to ``state``."""
    return {
        "ref": str(state.ref),
        "at": state.checked_at,
        "status": result.status,
        "summary": result.summary,
        "perfdata": [list(row) for row in result.perfdata],
        "seconds": result.seconds,
        "attempt": state.attempt,
        "hard": not state.soft,
        "late": state.late,
    }


def next_state(
    before: ProbeState | None, ref: Ref, result: CheckResult, attempts: int, at: datetime, late: float = 0.0
) -> ProbeState:
    """The state after ``result``.

    OK is hard at once. A fault is soft until it was seen ``attempts`` times in a row; once hard, another fault
    replaces it at once, because the service is known not to be well (the rule of Nagios).
    """
    attempt = 0 if result.status == "OK" else min((before.attempt if before else 0) + 1, attempts)
    counts = result.status == "OK" or attempt >= attempts
    known = before.hard_status if before else "UNKNOWN"
    hard = result.status if counts else known
    since = before.since if before and before.hard_status == hard else at
    runs, missed = (before.runs, before.missed) if before else (0, 0)
    said = result.summary
    return ProbeState(ref, result.status, hard, attempt, since, at, said, runs + 1, missed, result.seconds, late)


def changed(before: ProbeState | None, after: ProbeState) -> StatusChange | None:
    """The change from one state to the next; None when nothing changed. A probe starts as UNKNOWN."""
    was = before or replace(after, status="UNKNOWN", hard_status="UNKNOWN")
    hard = was.hard_status != after.hard_status
    if not hard and was.status == after.status:
        return None
    moved = (was.hard_status, after.hard_status) if hard else (was.status, after.status)
    return StatusChange(after.ref, after.checked_at, *moved, hard=hard, summary=after.summary)


def state_of(row: RowMapping) -> ProbeState:
    """A state from its row."""
    return ProbeState(**{**row, "ref": Ref(row["ref"])})


def _result(row: RowMapping) -> ProbeRecord:
    perfdata = tuple(tuple(values) for values in row["perfdata"])
    return ProbeRecord(**{**row, "ref": Ref(row["ref"]), "perfdata": perfdata})
