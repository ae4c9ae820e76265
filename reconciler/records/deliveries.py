"""Web hooks that came in: what was taken once is not taken again, over restarts too. Only the latest are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from reconciler.records.database import Database
from reconciler.records.tables import DeliveryRow, table

_DELIVERIES = table(DeliveryRow)


@dataclass(frozen=True)
class Deliveries:
    """The deliveries of one database."""

    database: Database

    def first(self, hook: str, marks: Sequence[str], most: int = 20_000) -> bool:
        """Remember the marks of a delivery; False when one of them was seen before. ``most`` are kept for each hook."""
        now, row = self.database.now(), _DELIVERIES.c
        with self.database.writing() as connection:
            for mark in marks:
                statement = self.database.insert(_DELIVERIES).values(hook=hook, mark=mark, at=now)
                if connection.execute(statement.on_conflict_do_nothing().returning(row.mark)).first() is None:
                    return False
            kept = select(row.at).where(row.hook == hook).order_by(row.at.desc())
            oldest = connection.scalar(kept.offset(most).limit(1))
            if oldest is not None:
                connection.execute(delete(_DELIVERIES).where(row.hook == hook, row.at <= oldest))
        return True
