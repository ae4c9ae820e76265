"""Tokens of machines that come in over HTTP: what they may do. Of the token itself only its digest is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import RowMapping, insert, select, update

from reconciler.errors import RecordsError
from reconciler.records.database import Database
from reconciler.records.tables import ApiTokenRow, table

Right = Literal["results", "read", "metrics", "pause"]
"""Tell results of probes; read availability and statuses; read metrics; hold something and let it go on."""
PREFIX = "hanse_"
_TOKENS = table(ApiTokenRow)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is known: never what its bearer shows."""

    name: str
    may: tuple[Right, ...]
    by: str
    since: datetime
    until: datetime | None
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it is good now."""
        return self.revoked_at is None and (self.until is None or now < self.until)


@dataclass(frozen=True)
class Tokens:
    """The tokens of one database."""

    database: Database

    def create(
        self,
        name: str,
        may: Collection[Right],
        by: str,
        randomness: Callable[[int], str],
        until: datetime | None = None,
    ) -> str:
        """Make a token and return it, this once; ``randomness(n)`` gives 2n hex digits.

        Raises RecordsError when there is one of that name.
        """
        token = f"{PREFIX}{randomness(20)}"
        row = {
            "name": name,
            "digest": _digest(token),
            "may": sorted(may),
            "by": by,
            "since": self.database.now(),
            "until": until,
            "revoked_at": None,
        }
        with self.database.writing() as connection:
            if connection.execute(select(_TOKENS.c.name).where(_TOKENS.c.name == name)).first():
                raise RecordsError(f"there is a token {name} already, or was: take another name")
            connection.execute(insert(_TOKENS), row)
        return token

    def all(self) -> tuple[ApiToken, ...]:
        """Every token that was ever made, by name."""
        with self.database.reading() as connection:
            return tuple(_token(row) for row in connection.execute(select(_TOKENS).order_by(_TOKENS.c.name)).mappings())

    def revoke(self, name: str) -> bool:
        """End a token at once; False when there is none of that name that holds."""
        here = (_TOKENS.c.name == name, _TOKENS.c.revoked_at.is_(None))
        with self.database.writing() as connection:
            return bool(
                connection.execute(update(_TOKENS).where(*here).values(revoked_at=self.database.now())).rowcount
            )

    def shown(self, token: str) -> ApiToken | None:
        """The token that somebody shows, if it holds."""
        with self.database.reading() as connection:
            row = connection.execute(select(_TOKENS).where(_TOKENS.c.digest == _digest(token))).mappings().first()
        found = _token(row) if row else None
        return found if found and found.holds(self.database.now()) else None


def _digest(token: str) -> str:
    """160 random bits need no slow digest."""
    return hashlib.sha256(token.encode()).hexdigest()


def _token(row: RowMapping) -> ApiToken:
    known: dict[str, Any] = {name: value for name, value in row.items() if name != "digest"}
    return ApiToken(**{**known, "may": tuple(row["may"])})
