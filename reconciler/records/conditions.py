"""Conditions: how every resource stands. Only rows that differ are written; ``since`` moves only with the status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from reconciler.model import Condition, ConditionType, Reason, Ref, Stage
from reconciler.records.columns import said
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import LIGHT
from reconciler.records.tables import ConditionRow, table
from reconciler.records.verdict import Finding, at_rest, of_stage

_ROWS = table(ConditionRow)
_ORDER = {kind: place for place, kind in enumerate(ConditionType)}

Standing = dict[Ref, tuple[Condition, ...]]


@dataclass(frozen=True)
class Conditions:
    """The conditions of one database."""

    database: Database

    def all(self) -> Standing:
        """How every resource stands."""
        return self._where(())

    def of(self, ref: Ref) -> tuple[Condition, ...]:
        """How one resource stands; () when nothing is known of it."""
        return self._where([_ROWS.c.ref == str(ref)]).get(ref, ())

    def of_many(self, refs: Collection[Ref]) -> Standing:
        """How each of ``refs`` stands, as far as it is known."""
        with self.database.reading() as connection:
            return standing(connection, refs)

    def failing(self) -> Standing:
        """Resources that are not Ready, are Stalled, or are not Healthy; all their conditions."""
        row = _ROWS.c
        bad = or_(
            and_(row.type == ConditionType.READY.value, row.status != "True"),
            and_(row.type == ConditionType.STALLED.value, row.status == "True"),
            and_(row.type == ConditionType.HEALTHY.value, row.status == "False"),
        )
        # What is at rest is well: the partial index leaves only the others to look at.
        return self._where([~row.at_rest, row.ref.in_(select(row.ref).where(~row.at_rest, bad))])

    def summary(self) -> dict[tuple[str, str], int]:
        """(status of Ready, its reason) -> how many resources."""
        row = _ROWS.c
        statement = select(row.status, row.reason, func.count()).where(row.type == ConditionType.READY.value)
        with self.database.reading() as connection:
            rows = connection.execute(statement.group_by(row.status, row.reason))
            return {(status, reason): number for status, reason, number in rows}

    def restless(self) -> Standing:
        """Resources that are not at rest, with all their conditions: of the others there is nothing to be said."""
        with self.database.reading() as connection:
            return moving(connection)

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(kind, condition, its status) -> how many resources."""
        row = _ROWS.c
        sqlite = self.database.dialect == "sqlite"
        ends = func.instr(row.ref, "/") if sqlite else func.strpos(row.ref, "/")
        kind = func.substr(row.ref, 1, ends - 1).label("kind")
        statement = select(kind, row.type, row.status, func.count()).group_by(kind, row.type, row.status)
        with self.database.reading() as connection:
            return {(name, type_, status): number for name, type_, status, number in connection.execute(statement)}

    def drifting(self) -> dict[Ref, datetime]:
        """Resources that the world has moved away from what git says, and since when."""
        row = _ROWS.c
        drifted = (row.type == ConditionType.IN_SYNC.value) & (row.status == "False")
        why = row.reason == Reason.DRIFT_DETECTED.value
        with self.database.reading() as connection:
            rows = connection.execute(select(row.ref, row.since).where(~row.at_rest, drifted, why))
            return {Ref(ref): since for ref, since in rows}

    def _where(self, limits: Sequence[ColumnElement[bool]]) -> Standing:
        with self.database.reading() as connection:
            return _gathered(connection.execute(select(_ROWS).where(*limits).order_by(_ROWS.c.ref)))


def moving(connection: Connection) -> Standing:
    """Resources that every run must look at: they were not at rest when last judged."""
    those = select(_ROWS.c.ref).where(~_ROWS.c.at_rest)
    return _gathered(connection.execute(select(_ROWS).where(_ROWS.c.ref.in_(those)).order_by(_ROWS.c.ref)))


def unjudged(connection: Connection) -> set[Ref]:
    """Resources that are held and were never judged: the run that made them was killed before its end."""
    judged = select(_ROWS.c.ref).where(_ROWS.c.ref == LIGHT.c.ref)
    return set(map(Ref, connection.scalars(select(LIGHT.c.ref).where(~judged.exists()))))


def standing(connection: Connection, refs: Iterable[Ref]) -> Standing:
    """How each of ``refs`` stands."""
    found: Standing = {}
    for some in chunks(refs):
        found |= _gathered(connection.execute(select(_ROWS).where(_ROWS.c.ref.in_(some))))
    return found


def merged(
    before: Sequence[Condition], findings: Sequence[Finding], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions that follow from ``findings``. ``since`` is kept wherever the status is."""
    known = {condition.type: condition for condition in before}
    made = []
    for found in findings:
        old = known.get(found.type)
        since = old.since if old is not None and old.status == found.status else now
        made.append(Condition(found.type, found.status, found.reason, found.message, since, generation))
    return tuple(made)


def write(
    database: Database,
    connection: Connection,
    before: Mapping[Ref, Sequence[Condition]],
    after: Mapping[Ref, tuple[Sequence[Finding], Sequence[Condition]]],
) -> int:
    """Write the rows that differ and say how many did."""
    rows = []
    for ref, (findings, conditions) in after.items():
        rest = at_rest(tuple(findings))
        known = {condition.type: condition for condition in before.get(ref, ())}
        was_at_rest = _rested(before.get(ref, ()))
        rows += [_row(ref, c, rest) for c in conditions if known.get(c.type) != c or rest != was_at_rest]
    if rows:
        connection.execute(database.upsert(_ROWS), rows)
    return len(rows)


def advanced(
    database: Database,
    connection: Connection,
    come: Mapping[Ref, tuple[int, Sequence[Stage]]],
    now: datetime,
) -> None:
    """Write how far things under way have come: ref -> (generation, stages). Whoever asks meanwhile sees it."""
    before = standing(connection, come)
    rows = []
    for ref, (generation, stages) in come.items():
        known = {condition.type: condition for condition in before.get(ref, ())}
        findings = [replace(finding, message=said(finding.message)) for finding in map(of_stage, stages)]
        made = merged(before.get(ref, ()), findings, generation, now)
        rows += [_row(ref, c, False) for c in made if known.get(c.type) != c]
    if rows:
        connection.execute(database.upsert(_ROWS), rows)


def forget(connection: Connection, refs: Iterable[Ref]) -> None:
    """Drop the conditions of resources that are no more."""
    for some in chunks(refs):
        connection.execute(delete(_ROWS).where(_ROWS.c.ref.in_(some)))


def _rested(conditions: Sequence[Condition]) -> bool:
    return at_rest(tuple(Finding(c.type, c.status, c.reason) for c in conditions))


def _row(ref: Ref, condition: Condition, rest: bool) -> dict[str, Any]:
    return {
        "ref": str(ref),
        "type": condition.type.value,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "since": condition.since,
        "observed_generation": condition.observed_generation,
        "at_rest": rest,
    }


def _gathered(rows: Iterable[Any]) -> Standing:
    found: dict[Ref, list[Condition]] = defaultdict(list)
    for row in rows:
        kind = ConditionType(row.type)
        found[Ref(row.ref)].append(
            Condition(kind, row.status, row.reason, row.message, row.since, row.observed_generation)
        )
    return {ref: tuple(sorted(some, key=lambda c: _ORDER[c.type])) for ref, some in found.items()}
