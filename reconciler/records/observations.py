"""Observations: how each target stood when it was last read, and the token that makes the next read cheap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, select, update

from reconciler.model import TargetRecord
from reconciler.records.database import Database, chunks
from reconciler.records.tables import TargetRow, table

_TARGETS = table(TargetRow)

Reads = Mapping[str, tuple[str, str, bool, datetime]]
"""Target id -> (token, digest, complete, observed at)."""


@dataclass(frozen=True)
class Observations:
    """What is remembered of reads."""

    database: Database

    def tokens(self) -> dict[str, tuple[str, str]]:
        """Target id -> (token, digest) of its last complete read, while nothing was done there since."""
        statement = select(_TARGETS.c.target, _TARGETS.c.token, _TARGETS.c.digest)
        with self.database.reading() as connection:
            rows = connection.execute(statement.where(_TARGETS.c.token != "")).all()
        return {target: (token, digest) for target, token, digest in rows}

    def all(self) -> dict[str, TargetRecord]:
        """Every target ever read, by id."""
        with self.database.reading() as connection:
            rows = connection.execute(select(_TARGETS).order_by(_TARGETS.c.target)).mappings().all()
        return {row["target"]: TargetRecord(**row) for row in rows}

    def save(self, reads: Reads) -> None:
        """Remember reads that succeeded."""
        with self.database.writing() as connection:
            saved(self.database, connection, reads)

    def unreachable(self, reasons: Mapping[str, str]) -> None:
        """Remember reads that failed: target id -> why. The next read of those targets is a full one."""
        with self.database.writing() as connection:
            missed(self.database, connection, reasons)


def saved(database: Database, connection: Connection, reads: Reads) -> None:
    """Remember reads in somebody else's transaction. A read that was not complete leaves no token."""
    rows = [
        {
            "target": target,
            "token": token if complete else "",
            "digest": digest,
            "complete": complete,
            "reachable": True,
            "reason": "",
            "observed_at": at,
            "since": at,
        }
        for target, (token, digest, complete, at) in sorted(reads.items())
    ]
    _write(database, connection, rows, ("token", "digest", "complete", "reachable", "reason", "observed_at"))


def missed(database: Database, connection: Connection, reasons: Mapping[str, str]) -> None:
    """Remember failed reads in somebody else's transaction."""
    now = database.now()
    rows = [
        {
            "target": target,
            "token": "",
            "digest": "",
            "complete": False,
            "reachable": False,
            "reason": reason,
            "observed_at": None,
            "since": now,
        }
        for target, reason in sorted(reasons.items())
    ]
    _write(database, connection, rows, ("token", "complete", "reachable", "reason"))


def forget_tokens(connection: Connection, targets: Iterable[str]) -> None:
    """From now on, until the next full read, nothing is known of what stands on these targets."""
    for some in chunks(targets):
        where = _TARGETS.c.target.in_(some) & (_TARGETS.c.token != "")
        connection.execute(update(_TARGETS).where(where).values(token=""))


def _write(database: Database, connection: Connection, rows: list[dict[str, Any]], fresh: tuple[str, ...]) -> None:
    """Write the ``fresh`` columns; ``since`` moves only when ``reachable`` does."""
    if not rows:
        return
    statement = database.insert(_TARGETS)
    new = statement.excluded
    since = case((_TARGETS.c.reachable == new.reachable, _TARGETS.c.since), else_=new.since)
    values: dict[str, Any] = {name: new[name] for name in fresh}
    connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=values | {"since": since}), rows)
