"""Lists of what is kept, a portion at a time: for those who turn pages and never look at a whole federation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from reconciler.model import Condition, ConditionType, Event, Ref, Run
from reconciler.records.conditions import standing
from reconciler.records.database import Database, chunks
from reconciler.records.events import event_of
from reconciler.records.holdings import LIGHT
from reconciler.records.tables import ConditionRow, EventRow, RunRow, table

_CONDITIONS, _EVENTS, _RUNS = table(ConditionRow), table(EventRow), table(RunRow)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which resources; what is left empty limits nothing."""

    kind: str = ""
    namespace: str = ""
    condition: tuple[str, str] | None = None
    """(type, status) that they have."""
    contains: str = ""
    """Part of the reference, in small letters or capitals."""
    reason: str = ""
    """Reason of the condition that is asked for, or of Ready."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One resource, how it stands and where it lives."""

    ref: Ref
    conditions: tuple[Condition, ...]
    target: str
    """"" when it is not held."""
    generation: int
    """0 when it is not held."""
    uid: str
    """"" when it is not held."""


def resources(database: Database, wanted: Wanted, after: str, most: int) -> tuple[Listed, ...]:
    """At most so many of those that were ever judged, in the order of their names, behind ``after``."""
    row = _CONDITIONS.c
    one = ConditionType.READY.value if wanted.condition is None else wanted.condition[0]
    limits: list[ColumnElement[bool]] = [row.type == one, row.ref > after, *_within(wanted)]
    if wanted.condition is not None:
        limits.append(row.status == wanted.condition[1])
    held = select(row.ref, LIGHT.c.target, LIGHT.c.generation, LIGHT.c.uid)
    asked = held.join(LIGHT, LIGHT.c.ref == row.ref, isouter=True).where(*limits).order_by(row.ref).limit(most)
    with database.reading() as connection:
        found = connection.execute(asked).all()
        conditions = standing(connection, [Ref(each.ref) for each in found])
    return tuple(
        Listed(Ref(ref), conditions.get(Ref(ref), ()), target or "", generation or 0, uid or "")
        for ref, target, generation, uid in found
    )


def held(database: Database, ref: Ref) -> Listed | None:
    """Where one resource lives and in which generation, without its conditions; None when it is not held."""
    with database.reading() as connection:
        found = connection.execute(
            select(LIGHT.c.target, LIGHT.c.generation, LIGHT.c.uid).where(LIGHT.c.ref == str(ref))
        )
        row = found.first()
    return Listed(ref, (), row.target, row.generation, row.uid) if row else None


def _within(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Compared letter by letter: LIKE takes small letters for capitals on one database and not on the other."""
    ref = _CONDITIONS.c.ref
    limits: list[ColumnElement[bool]] = []
    if wanted.kind:
        limits.append(_begins(ref, f"{wanted.kind}/"))
    if wanted.namespace:
        limits.append(ref.contains(f"/{wanted.namespace}/", autoescape=True))
    if wanted.reason:
        limits.append(_CONDITIONS.c.reason == wanted.reason)
    if wanted.contains:
        limits.append(func.lower(ref).contains(wanted.contains.lower(), autoescape=True))
    return limits


def _begins(column: Any, text: str) -> ColumnElement[bool]:
    return func.substr(column, 1, len(text)) == text


def counts(database: Database) -> dict[str, dict[str, int]]:
    """Kind -> status of Ready -> how many. Counted by the database."""
    row = _CONDITIONS.c
    slash = func.instr(row.ref, "/") if database.dialect == "sqlite" else func.strpos(row.ref, "/")
    kind = func.substr(row.ref, 1, slash - 1)
    asked = select(kind, row.status, func.count()).where(row.type == ConditionType.READY.value)
    found: dict[str, dict[str, int]] = {}
    with database.reading() as connection:
        for name, status, number in connection.execute(asked.group_by(kind, row.status).order_by(kind)):
            found.setdefault(name, {})[status] = number
    return found


def _bad() -> ColumnElement[bool]:
    """Not Ready, Stalled or not Healthy."""
    row = _CONDITIONS.c
    return or_(
        and_(row.type == ConditionType.READY.value, row.status != "True"),
        and_(row.type == ConditionType.STALLED.value, row.status == "True"),
        and_(row.type == ConditionType.HEALTHY.value, row.status == "False"),
    )


def ready(database: Database, refs: Collection[Ref]) -> dict[Ref, str]:
    """The status of Ready of each of ``refs``, as far as it is known."""
    row = _CONDITIONS.c
    found: dict[Ref, str] = {}
    with database.reading() as connection:
        for some in chunks(refs):
            asked = select(row.ref, row.status).where(row.ref.in_(some), row.type == ConditionType.READY.value)
            found |= {Ref(ref): status for ref, status in connection.execute(asked)}
    return found


def troubles(database: Database) -> dict[Ref, Condition]:
    """The condition that says most plainly what is the matter, of every resource that does not stand well."""
    row = _CONDITIONS.c
    columns = (row.ref, row.type, row.status, row.reason, row.message, row.since, row.observed_generation)
    order = case((row.type == ConditionType.READY.value, 2), (row.type == ConditionType.STALLED.value, 1), else_=0)
    asked = select(*columns).where(~row.at_rest, _bad()).order_by(row.ref, order)
    with database.reading() as connection:
        return {
            Ref(ref): Condition(ConditionType(kind), status, reason, message, since, generation)
            for ref, kind, status, reason, message, since, generation in connection.execute(asked)
        }


def troubled(database: Database, most: int) -> tuple[tuple[Listed, ...], int]:
    """Resources that are not Ready, are Stalled or are not Healthy: at most so many, and how many there are."""
    row, bad = _CONDITIONS.c, _bad()
    # What failed stands before what is not known.
    worst = func.min(case((row.status == "Unknown", 1), else_=0))
    asked = select(row.ref, worst.label("worst")).where(~row.at_rest, bad).group_by(row.ref)
    with database.reading() as connection:
        number = connection.execute(select(func.count()).select_from(asked.subquery())).scalar_one()
        first = [Ref(each.ref) for each in connection.execute(asked.order_by("worst", row.ref).limit(most))]
        conditions = standing(connection, first)
    return tuple(Listed(ref, conditions.get(ref, ()), "", 0, "") for ref in first), number


def runs(database: Database, before: str, most: int) -> tuple[Run, ...]:
    """At most so many runs, the latest first, older than the run ``before``; "" for the latest."""
    asked = select(_RUNS).order_by(_RUNS.c.id.desc()).limit(most)
    if before:
        asked = asked.where(_RUNS.c.id < before)
    with database.reading() as connection:
        return tuple(Run(**row) for row in connection.execute(asked).mappings())


def events(database: Database, before: int | None, most: int, *, ref: str = "", run: str = "") -> tuple[Event, ...]:
    """At most so many events, the latest first, older than the event ``before``."""
    row = _EVENTS.c
    asked = select(_EVENTS).order_by(row.id.desc()).limit(most)
    if before is not None:
        asked = asked.where(row.id < before)
    if ref:
        asked = asked.where(row.ref == ref)
    if run:
        asked = asked.where(row.run == run)
    with database.reading() as connection:
        return tuple(event_of(one) for one in connection.execute(asked).mappings())


def outcomes(database: Database, run: str) -> dict[Ref, str]:
    """What became of each resource in a run, as far as it is told."""
    row = _EVENTS.c
    with database.reading() as connection:
        found = connection.execute(select(row.ref, row.state).where(row.run == run).order_by(row.id))
        return {Ref(ref): state for ref, state in found}


def latest(database: Database) -> tuple[int, str, str]:
    """The latest event's id, and the latest run's id and state: what moves when anything was done."""
    with database.reading() as connection:
        event = connection.execute(select(func.max(_EVENTS.c.id))).scalar() or 0
        run = connection.execute(select(_RUNS.c.id, _RUNS.c.state).order_by(_RUNS.c.id.desc()).limit(1)).first()
    return (event, run.id, run.state) if run else (event, "", "")
