"""Events: every change of the world and of the inventory, done or attempted. Rows are only added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, select

from reconciler.model import Event, Ref, Verb
from reconciler.records.database import Database, chunks
from reconciler.records.tables import EventRow, table

_EVENTS = table(EventRow)


@dataclass(frozen=True)
class Events:
    """The events of one database."""

    database: Database

    def history(
        self, ref: Ref | None = None, limit: int = 100, since: datetime | None = None, run: str | None = None
    ) -> tuple[Event, ...]:
        """The latest events, newest first; of one resource, of one run, not older than ``since``."""
        statement = select(_EVENTS).order_by(_EVENTS.c.id.desc()).limit(limit)
        if ref is not None:
            statement = statement.where(_EVENTS.c.ref == str(ref))
        if since is not None:
            statement = statement.where(_EVENTS.c.at >= since)
        if run is not None:
            statement = statement.where(_EVENTS.c.run == run)
        with self.database.reading() as connection:
            return tuple(event_of(row) for row in connection.execute(statement).mappings())

    def later(self, than: int, limit: int = 1000) -> tuple[Event, ...]:
        """Events with a higher number, the oldest first."""
        statement = select(_EVENTS).where(_EVENTS.c.id > than).order_by(_EVENTS.c.id).limit(limit)
        with self.database.reading() as connection:
            return tuple(event_of(row) for row in connection.execute(statement).mappings())

    def latest(self) -> int:
        """The number of the last event; 0 where there is none."""
        with self.database.reading() as connection:
            return connection.scalar(select(func.max(_EVENTS.c.id))) or 0

    def made(self, refs: Collection[Ref]) -> dict[Ref, datetime]:
        """When resources were made, or taken over, for the last time; those of which no event tells are left out."""
        found: dict[Ref, datetime] = {}
        row = _EVENTS.c
        born = row.verb.in_((Verb.CREATE.value, Verb.ADOPT.value, Verb.REPLACE.value)) & (row.state == "done")
        with self.database.reading() as connection:
            for some in chunks(refs):
                latest = select(row.ref, func.max(row.at)).where(row.ref.in_(some), born).group_by(row.ref)
                found |= {Ref(ref): at for ref, at in connection.execute(latest)}
        return found


def event_of(row: RowMapping) -> Event:
    """An event from its row."""
    return Event(**{**row, "ref": Ref(row["ref"]), "verb": Verb(row["verb"])})
