"""Delivered: what each web hook of copies and probes was told last: no other leader tells it again, or never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from reconciler.records.database import Database
from reconciler.records.tables import DeliveredRow, table

_DELIVERED = table(DeliveredRow)


@dataclass(frozen=True)
class Delivered:
    """What was told of one database's doings."""

    database: Database

    def told(self, subscription: str) -> dict[str, tuple[Any, int]]:
        """Subject -> how it stood when that was told last, and how often anything was told of it."""
        row = _DELIVERED.c
        mine = select(row.subject, row.state, row.number).where(row.subscription == subscription)
        with self.database.reading() as connection:
            return {subject: (state, number) for subject, state, number in connection.execute(mine)}

    def tell(self, subscription: str, told: Mapping[str, tuple[Any, int]]) -> None:
        """Write down what was told."""
        rows = [
            {"subscription": subscription, "subject": subject, "state": state, "number": number}
            for subject, (state, number) in sorted(told.items())
        ]
        if rows:
            with self.database.writing() as connection:
                connection.execute(self.database.upsert(_DELIVERED), rows)
