"""Notices: what each subscriber was told last: neither a restart nor another leader tells it again, or never."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from reconciler.records.database import Database, chunks
from reconciler.records.tables import NoticeRow, table

_NOTICES = table(NoticeRow)


class Told(NamedTuple):
    """How something stood when it was told last."""

    state: str
    at: datetime


@dataclass(frozen=True)
class Notices:
    """The notices of one database."""

    database: Database

    def told(self, subscription: str) -> dict[str, Told]:
        """Subject -> how it stood when the subscriber was told of it last."""
        mine = select(_NOTICES.c.subject, _NOTICES.c.state, _NOTICES.c.at).where(
            _NOTICES.c.subscription == subscription
        )
        with self.database.reading() as connection:
            return {subject: Told(state, at) for subject, state, at in connection.execute(mine)}

    def tell(self, subscription: str, told: Mapping[str, str], over: Collection[str] = ()) -> None:
        """Write down what was told now, and drop what there is nothing more to be told of."""
        now = self.database.now()
        rows = [
            {"subscription": subscription, "subject": subject, "state": state, "at": now}
            for subject, state in sorted(told.items())
        ]
        with self.database.writing() as connection:
            if rows:
                connection.execute(self.database.upsert(_NOTICES), rows)
            for some in chunks(over):
                mine = (_NOTICES.c.subscription == subscription) & _NOTICES.c.subject.in_(some)
                connection.execute(delete(_NOTICES).where(mine))
