"""Heads: which commit of a branch is in force, which one is not and why, and what a person has acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from reconciler.records.database import Database
from reconciler.records.tables import HeadRow, table

_HEADS = table(HeadRow)
_NOTHING: dict[str, Any] = {
    "commit": "",
    "since": None,
    "verified": False,
    "withheld": "",
    "why": "",
    "withheld_since": None,
    "acknowledged": "",
    "acknowledged_by": "",
    "acknowledged_reason": "",
    "acknowledged_at": None,
}


@dataclass(frozen=True, slots=True)
class Head:
    """How a branch stands."""

    branch: str
    commit: str
    """What is in force; "" until something was."""
    since: datetime | None
    verified: bool
    """Whether rules of signatures were there and kept when it came into force."""
    withheld: str
    """What was pushed and is not in force; "" when the branch cannot be fetched, or all is well."""
    why: str
    """"" when all is well."""
    withheld_since: datetime | None
    acknowledged: str
    """A commit that a person takes although it does not follow on what was in force."""
    acknowledged_by: str
    acknowledged_reason: str
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class Heads:
    """The heads of one database."""

    database: Database

    def get(self, branch: str) -> Head | None:
        """How a branch stands; None when nothing is known of it."""
        with self.database.reading() as connection:
            row = connection.execute(select(_HEADS).where(_HEADS.c.branch == branch)).mappings().first()
        return Head(**row) if row else None

    def all(self) -> tuple[Head, ...]:
        """Every branch that was followed."""
        with self.database.reading() as connection:
            return tuple(Head(**row) for row in connection.execute(select(_HEADS).order_by(_HEADS.c.branch)).mappings())

    def accept(self, branch: str, commit: str, *, verified: bool) -> None:
        """``commit`` is in force from now on."""
        known = self.get(branch)
        since = known.since if known and known.commit == commit else self.database.now()
        well = {"withheld": "", "why": "", "withheld_since": None}
        changed = {"commit": commit, "since": since, "verified": verified, **well}
        if known is None or any(getattr(known, name) != value for name, value in changed.items()):
            self._write(branch, known, changed)

    def withhold(self, branch: str, commit: str, why: str) -> None:
        """``commit`` is not in force, for a reason; what was before still is."""
        known = self.get(branch)
        if known is None or (known.withheld, known.why) != (commit, why):
            self._write(branch, known, {"withheld": commit, "why": why, "withheld_since": self.database.now()})

    def fetched(self, branch: str, why: str) -> None:
        """Whether the branch could be fetched: ``why`` not, "" when it could. What was withheld stays so."""
        known = self.get(branch)
        if known is not None and known.withheld:
            return
        if (known.why if known else "") != why:
            since = self.database.now() if why else None
            self._write(branch, known, {"why": why, "withheld_since": since})

    def acknowledge(self, branch: str, commit: str, by: str, reason: str) -> None:
        """A person takes ``commit`` although it does not follow on what was in force."""
        now = self.database.now()
        said = {"acknowledged_by": by, "acknowledged_reason": reason, "acknowledged_at": now}
        self._write(branch, self.get(branch), {"acknowledged": commit, **said})

    def _write(self, branch: str, known: Head | None, changed: dict[str, Any]) -> None:
        row = {name: getattr(known, name) for name in _NOTHING} if known else _NOTHING
        with self.database.writing() as connection:
            connection.execute(self.database.upsert(_HEADS), {"branch": branch, **row, **changed})
