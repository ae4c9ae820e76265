"""Leases: who may work on this database, with a token that tells a late writer from the present one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, or_, select, update

from reconciler.errors import LeaseHeld
from reconciler.model import Lease
from reconciler.records.database import Database
from reconciler.records.tables import LeaseRow, table

_LEASES = table(LeaseRow)


class Fence(NamedTuple):
    """A lease as its holder shows it."""

    name: str
    token: int


@dataclass(frozen=True)
class Leases:
    """The leases of one database. Time is the clock of whoever asks: clocks must agree better than a lease lasts."""

    database: Database

    def acquire(self, name: str, holder: str, ttl_seconds: float, gone: Callable[[str], bool] | None = None) -> int:
        """Take the lease and return its fencing token, larger than any before.

        ``gone`` is asked whether the present holder is proved dead; then its lease is taken over before it expires.
        Raises LeaseHeld, naming the holder and since when.
        """
        token = self._take(name, holder, ttl_seconds, None)
        if token is None:
            present = self.current(name)
            if present and gone and gone(present.holder):
                token = self._take(name, holder, ttl_seconds, present.token)
        if token is None:
            present = self.current(name)
            raise LeaseHeld(_refusal(name, present))
        return token

    def renew(self, name: str, token: int, ttl_seconds: float) -> None:
        """Hold the lease for another ``ttl_seconds``. Raises LeaseHeld when it was lost."""
        expires = self.database.now() + timedelta(seconds=ttl_seconds)
        with self.database.writing() as connection:
            mine = (_LEASES.c.name == name) & (_LEASES.c.token == token) & (_LEASES.c.holder != "")
            renewed = connection.execute(update(_LEASES).where(mine).values(expires=expires)).rowcount
        if not renewed:
            raise LeaseHeld(_refusal(name, self.current(name)))

    def release(self, name: str, token: int) -> None:
        """Let the lease go; one that was lost already is fine."""
        with self.database.writing() as connection:
            mine = (_LEASES.c.name == name) & (_LEASES.c.token == token)
            connection.execute(update(_LEASES).where(mine).values(holder="", expires=self.database.now()))

    def current(self, name: str) -> Lease | None:
        """Who holds the lease now; None when it is free."""
        now = self.database.now()
        held = (_LEASES.c.name == name) & (_LEASES.c.holder != "") & (_LEASES.c.expires > now)
        with self.database.reading() as connection:
            row = connection.execute(select(_LEASES).where(held)).mappings().first()
        return Lease(**row) if row else None

    def _take(self, name: str, holder: str, ttl_seconds: float, from_token: int | None) -> int | None:
        """Take the lease if it is free (or still is what ``from_token`` says), in one statement, so only one can."""
        now = self.database.now()
        row = {"name": name, "holder": holder, "token": 1, "since": now}
        statement = self.database.insert(_LEASES).values(**row, expires=now + timedelta(seconds=ttl_seconds))
        new = statement.excluded
        free = or_(_LEASES.c.holder == "", _LEASES.c.expires <= now)
        taken = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": new.holder, "token": _LEASES.c.token + 1, "since": new.since, "expires": new.expires},
            where=free if from_token is None else or_(free, _LEASES.c.token == from_token),
        ).returning(_LEASES.c.token)
        with self.database.writing() as connection:
            found: int | None = connection.scalar(taken)
        return found


def hold_fast(connection: Connection, fence: Fence) -> None:
    """Raise LeaseHeld unless the lease is still the one that ``fence`` shows; it stays so until the commit."""
    mine = (_LEASES.c.name == fence.name) & (_LEASES.c.token == fence.token) & (_LEASES.c.holder != "")
    found = connection.execute(select(_LEASES.c.token).where(mine).with_for_update()).first()
    if found is None:
        raise LeaseHeld(f"the lease {fence.name} was lost: another reconciler has taken it; nothing was begun")


def _refusal(name: str, present: Lease | None) -> str:
    if present is None:
        return f"the lease {name} was lost, and nobody holds it now: take it again"
    return f"{present.holder} holds the lease {name} since {present.since:%Y-%m-%d %H:%M:%S} UTC"
