"""Tickets: what was sent to the helpdesk, and what was begun and not heard of. Intentions are kept before the call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from sqlalchemy import delete, select

from reconciler.model.ticket import SENDING, TicketRecord
from reconciler.records.database import Database
from reconciler.records.tables import TicketRow, table

_TICKETS = table(TicketRow)


@dataclass(frozen=True)
class Tickets:
    """The tickets of one database."""

    database: Database

    def known(self, key: str) -> TicketRecord | None:
        """One by its key."""
        with self.database.reading() as connection:
            row = connection.execute(select(_TICKETS).where(_TICKETS.c.key == key)).mappings().first()
        return TicketRecord(**row) if row else None

    def list(self) -> tuple[TicketRecord, ...]:
        """All of them, the latest first."""
        newest = select(_TICKETS).order_by(_TICKETS.c.begun_at.desc(), _TICKETS.c.key)
        with self.database.reading() as connection:
            return tuple(TicketRecord(**row) for row in connection.execute(newest).mappings())

    def begin(self, record: TicketRecord) -> TicketRecord:
        """Keep that the sending of a ticket begins."""
        return self.keep(replace(record, state=SENDING, begun_at=self.database.now()))

    def forget(self, key: str) -> None:
        """Strike one that was begun and certainly not made."""
        with self.database.writing() as connection:
            connection.execute(delete(_TICKETS).where(_TICKETS.c.key == key, _TICKETS.c.ticket == ""))

    def keep(self, record: TicketRecord) -> TicketRecord:
        """Keep how a ticket stands."""
        with self.database.writing() as connection:
            connection.execute(self.database.upsert(_TICKETS), asdict(record))
        return record
