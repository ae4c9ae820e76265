"""Sessions of people who look at the pages, and logins that were begun. Of what a browser shows only digests are kept.

No token of a provider is kept: what is written down is who somebody is and what the provider told of him.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, or_, select, update

from reconciler.errors import RecordsError
from reconciler.model import Who
from reconciler.records.database import Database
from reconciler.records.tables import LoginRow, SessionRow, table

_SESSIONS, _LOGINS = table(SessionRow), table(LoginRow)
_MOST = 10_000
"""So many logins may be under way."""
_TOUCH = timedelta(seconds=30)
"""A session's last use is written down at most so often."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in."""

    who: Who
    since: datetime
    seen_at: datetime
    until: datetime
    """When it ends at the latest."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun."""

    issuer: str
    redirect: str
    """Where the provider sends the browser."""
    next: str
    """The path that was asked for."""


@dataclass(frozen=True)
class Sessions:
    """The sessions of one database."""

    database: Database

    def begin(self, begun: Begun, randomness: Callable[[int], str], patience: timedelta) -> str:
        """Remember a login that was begun for so long; gives what the browser must show when it comes back.

        Raises RecordsError when too many are under way.
        """
        shown, now = randomness(32), self.database.now()
        row = {"digest": _digest(shown), "until": now + patience, **{n: getattr(begun, n) for n in Begun.__slots__}}
        with self.database.writing() as connection:
            connection.execute(delete(_LOGINS).where(_LOGINS.c.until <= now))
            if (connection.scalar(select(func.count()).select_from(_LOGINS)) or 0) >= _MOST:
                raise RecordsError("too many people are logging in: try again in some minutes")
            connection.execute(insert(_LOGINS), row)
        return shown

    def take(self, shown: str) -> Begun | None:
        """A login that was begun by this browser, once; None when there is none, or it took too long."""
        here, now = _LOGINS.c.digest == _digest(shown), self.database.now()
        with self.database.writing() as connection:
            row = connection.execute(select(_LOGINS).where(here)).mappings().first()
            # Of two that come at once only one finds it: it is the one that takes it away.
            if row is None or not connection.execute(delete(_LOGINS).where(here)).rowcount or row["until"] <= now:
                return None
        return Begun(**{name: row[name] for name in Begun.__slots__})

    def open(self, who: Who, randomness: Callable[[int], str], lasts: timedelta) -> str:
        """Begin a session; gives what the browser must show. ``randomness(n)`` gives 2n hex digits."""
        shown, now = randomness(32), self.database.now()
        row = {
            "digest": _digest(shown),
            "issuer": who.issuer,
            "identity": who.identity,
            "name": who.name,
            "entitlements": sorted(who.entitlements),
            "since": now,
            "seen_at": now,
            "until": now + lasts,
        }
        with self.database.writing() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.until <= now))
            connection.execute(insert(_SESSIONS), row)
        return shown

    def shown(self, shown: str, idle: timedelta) -> Session | None:
        """The session of a browser, if it holds; to look is to use it."""
        here, now = _SESSIONS.c.digest == _digest(shown), self.database.now()
        with self.database.reading() as connection:
            row = connection.execute(select(_SESSIONS).where(here)).mappings().first()
        if row is None or now >= row["until"] or now - row["seen_at"] > idle:
            return None
        if now - row["seen_at"] > _TOUCH:
            with self.database.writing() as connection:
                connection.execute(update(_SESSIONS).where(here).values(seen_at=now))
        return _session(row)

    def close(self, shown: str) -> bool:
        """End one session."""
        return bool(self._ended(_SESSIONS.c.digest == _digest(shown)))

    def close_all(self, who: Who) -> int:
        """End every session of somebody; gives how many there were."""
        return self._ended((_SESSIONS.c.issuer == who.issuer) & (_SESSIONS.c.identity == who.identity))

    def prune(self, idle: timedelta) -> int:
        """Forget what is over."""
        now = self.database.now()
        return self._ended(or_(_SESSIONS.c.until <= now, _SESSIONS.c.seen_at < now - idle))

    def _ended(self, those: ColumnElement[bool]) -> int:
        with self.database.writing() as connection:
            return connection.execute(delete(_SESSIONS).where(those)).rowcount


def _digest(shown: str) -> str:
    """256 random bits need no slow digest."""
    return hashlib.sha256(shown.encode()).hexdigest()


def _session(row: RowMapping) -> Session:
    rights: list[Any] = row["entitlements"]
    who = Who(row["name"], "oidc", row["identity"], row["issuer"], frozenset(rights))
    return Session(who, row["since"], row["seen_at"], row["until"])
