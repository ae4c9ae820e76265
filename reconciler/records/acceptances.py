"""Acceptances: up to which commit each change of git was made by those who may, by branch.

Of a branch everything counts as it is at one commit, and some resources as they are at a later one: those that were
accepted while others waited for somebody's word.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import delete, insert, select

from reconciler.model import Ref
from reconciler.records.database import Database
from reconciler.records.tables import AcceptanceRow, table

_ACCEPTED = table(AcceptanceRow)
_ALL = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What counts of a branch."""

    commit: str = ""
    """Where everything counts as it is; "" until something was accepted."""
    beyond: Mapping[Ref, str] = field(default_factory=lambda: MappingProxyType({}))
    """What counts as it is at a later commit."""

    @property
    def commits(self) -> tuple[str, ...]:
        """Every commit at which something counts."""
        return tuple(dict.fromkeys([*([self.commit] if self.commit else []), *sorted(set(self.beyond.values()))]))


@dataclass(frozen=True)
class Acceptances:
    """The acceptances of one database."""

    database: Database

    def of(self, branch: str) -> Accepted:
        """How far a branch was accepted."""
        asked = select(_ACCEPTED.c.ref, _ACCEPTED.c.commit).where(_ACCEPTED.c.branch == branch)
        with self.database.reading() as connection:
            found = {Ref(ref): commit for ref, commit in connection.execute(asked)}
        return Accepted(found.pop(Ref(_ALL), ""), found)

    def whole(self, branch: str, commit: str) -> None:
        """Everything counts as it is at ``commit``."""
        if self.of(branch) == Accepted(commit):
            return
        row = {"branch": branch, "ref": _ALL, "commit": commit, "at": self.database.now()}
        with self.database.writing() as connection:
            connection.execute(delete(_ACCEPTED).where(_ACCEPTED.c.branch == branch))
            connection.execute(insert(_ACCEPTED), row)

    def some(self, branch: str, base: str, commit: str, refs: Collection[Ref]) -> None:
        """These count as they are at ``commit``; the rest stays at ``base``, or where it is later."""
        known = self.of(branch)
        rows = [] if known.commit == base else [(_ALL, base)]
        rows += [(str(ref), commit) for ref in refs if known.beyond.get(ref) != commit]
        if not rows:
            return
        now = self.database.now()
        with self.database.writing() as connection:
            connection.execute(
                self.database.upsert(_ACCEPTED),
                [{"branch": branch, "ref": ref, "commit": one, "at": now} for ref, one in rows],
            )
