"""Approvals: which committed permission allowed which action of which run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from reconciler.model import Action, Approval, Permit, Ref, Verb
from reconciler.records.database import Database
from reconciler.records.tables import PermitRow, table

_PERMITS = table(PermitRow)


_Permits = Iterable[tuple[Approval, Action]]


@dataclass(frozen=True)
class Approvals:
    """The approvals that were used."""

    database: Database

    def used(self, run: str, permits: _Permits) -> None:
        """Write down which approval allowed which action; the same again changes nothing."""
        with self.database.writing() as connection:
            permitted(self.database, connection, run, permits)

    def spent(self) -> dict[Ref, int]:
        """How many actions each approval has allowed so far."""
        statement = select(_PERMITS.c.approval, func.count()).group_by(_PERMITS.c.approval)
        with self.database.reading() as connection:
            return {Ref(approval): number for approval, number in connection.execute(statement)}

    def lifted(self) -> dict[tuple[Ref, str, str], frozenset[Ref]]:
        """(approval, by, reason) -> what it has let through so far: the same again is not counted again."""
        row = _PERMITS.c
        found: dict[tuple[Ref, str, str], set[Ref]] = {}
        with self.database.reading() as connection:
            for approval, by, reason, ref in connection.execute(select(row.approval, row.by, row.reason, row.ref)):
                found.setdefault((Ref(approval), by, reason), set()).add(Ref(ref))
        return {key: frozenset(refs) for key, refs in found.items()}

    def history(self, limit: int = 100) -> tuple[Permit, ...]:
        """The latest uses, newest first."""
        order = (_PERMITS.c.at.desc(), _PERMITS.c.run.desc(), _PERMITS.c.ref)
        with self.database.reading() as connection:
            rows = connection.execute(select(_PERMITS).order_by(*order).limit(limit))
            return tuple(Permit(r.run, Ref(r.approval), Ref(r.ref), Verb(r.verb), r.by, r.reason, r.at) for r in rows)


def permitted(database: Database, connection: Connection, run: str, permits: _Permits) -> None:
    """Write down in somebody else's transaction which approval allowed which action."""
    now = database.now()
    rows = [
        {
            "run": run,
            "ref": str(action.ref),
            "approval": str(approval.ref),
            "verb": action.verb.value,
            "by": approval.by,
            "reason": approval.reason,
            "at": now,
        }
        for approval, action in permits
    ]
    if rows:
        connection.execute(database.upsert(_PERMITS), rows)
