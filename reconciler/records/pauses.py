"""Pauses: what is held back for the time being, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from reconciler.model import Pause
from reconciler.records.database import Database
from reconciler.records.tables import PauseRow, table

_PAUSES = table(PauseRow)
_ACTIVE = _PAUSES.c.ended_at.is_(None)


@dataclass(frozen=True)
class Pauses:
    """The pauses of one database."""

    database: Database

    def pause(self, scope: str, reason: str, by: str) -> Pause:
        """Hold ``scope``; when it is held already, that pause stands."""
        row = {"scope": scope, "reason": reason, "by": by, "since": self.database.now()}
        statement = self.database.insert(_PAUSES).values(row)
        fresh = statement.on_conflict_do_nothing(index_elements=["scope"], index_where=_ACTIVE)
        with self.database.writing() as connection:
            connection.execute(fresh)
            found = connection.execute(select(_PAUSES).where(_ACTIVE, _PAUSES.c.scope == scope)).one()
        return Pause(found.scope, found.reason, found.by, found.since)

    def resume(self, scope: str, by: str) -> bool:
        """Let ``scope`` go on; False when it was not held."""
        ended = {"ended_at": self.database.now(), "ended_by": by}
        with self.database.writing() as connection:
            held = update(_PAUSES).where(_ACTIVE, _PAUSES.c.scope == scope)
            return bool(connection.execute(held.values(ended)).rowcount)

    def list(self) -> tuple[Pause, ...]:
        """What is held now, in the order of scopes."""
        with self.database.reading() as connection:
            rows = connection.execute(select(_PAUSES).where(_ACTIVE).order_by(_PAUSES.c.scope))
            return tuple(Pause(row.scope, row.reason, row.by, row.since) for row in rows)
