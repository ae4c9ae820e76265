"""History: what the records tell about places, read only where something is to be chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from reconciler.model import Create, History, ProbeState, Ref, Standing, Standings, StatusChange
from reconciler.records.store import Store
from reconciler.records.tables import EventRow, table

WINDOW = timedelta(days=30)
FRESH = timedelta(days=1)
"""A probe that was not run for so long says nothing about now."""
_MOST = 5000
_EVENTS = table(EventRow)


def history(store: Store) -> History:
    """How probes stood and how creates on clouds went in the last 30 days, and what is paused."""
    now = store.database.now()
    held = {
        p.scope.partition(":")[2]: f"paused by {p.by}: {p.reason}" for p in store.pauses.list() if _on_target(p.scope)
    }
    return History(_probes(store, now), _creates(store, now - WINDOW), held, store.uptime.shares((now - WINDOW).date()))


def _on_target(scope: str) -> bool:
    return scope.startswith("target:")


def _creates(store: Store, since: datetime) -> tuple[Create, ...]:
    row = _EVENTS.c
    statement = (
        select(row.ref, row.target, row.at, row.state, row.seconds, row.reason, row.message)
        .where(row.at >= since, row.verb.in_(("create", "replace")), row.target.like("compute:%"))
        .where(row.state != "interrupted")  # no fault of the place
        .order_by(row.id.desc())
        .limit(_MOST)
    )
    with store.database.reading() as connection:
        rows = connection.execute(statement).all()
    return tuple(
        Create(Ref(r.ref), r.target, r.at, r.state == "done", r.seconds, r.reason, r.message) for r in reversed(rows)
    )


def _probes(store: Store, now: datetime) -> Standings:
    changes: dict[Ref, list[StatusChange]] = defaultdict(list)
    for change in store.probes.status_changes(since=now - WINDOW, hard=True):
        changes[change.ref].append(change)
    return Standings((ref, standing(state, changes[ref], now)) for ref, state in store.probes.states().items())


def standing(state: ProbeState, changes: Sequence[StatusChange], now: datetime) -> Standing:
    """What hard states over the window add up to. Time in which nothing was known is left out."""
    start, up, known = now - WINDOW, timedelta(), timedelta()
    status = changes[0].before if changes else state.hard_status
    if not changes:
        start = max(start, state.since)
    for at, after in [*((change.at, change.after) for change in changes), (state.checked_at, state.hard_status)]:
        spent = max(timedelta(), at - start)
        if status != "UNKNOWN":
            known += spent
            up += spent if status in ("OK", "WARNING") else timedelta()
        start, status = max(start, at), after
    fresh = now - state.checked_at <= FRESH
    bad = fresh and state.hard_status == "CRITICAL"
    failing = f"{state.ref.name} is CRITICAL since {state.since:%Y-%m-%d %H:%M}: {state.summary}" if bad else ""
    return Standing(up / known if known else None, known, failing, state.checked_at)
