"""Replicas, as they are written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from reconciler.model import Ref
from reconciler.model.data import ReplicaState
from reconciler.records.data.nouns import ReplicaStanding
from reconciler.records.database import chunks
from reconciler.records.tables import HoldRow, LockRow, ReplicaRow, table

_REPLICAS, _HOLDS, _LOCKS = table(ReplicaRow), table(HoldRow), table(LockRow)


@dataclass(frozen=True)
class Replicas:
    """Replicas being written in one transaction."""

    connection: Connection
    now: datetime

    def write(self, standings: Sequence[ReplicaStanding]) -> None:
        """Write what differs of replicas that have a row already."""
        before: dict[str, Any] = {}
        for some in chunks(one.ref for one in standings):
            rows = self.connection.execute(select(_REPLICAS).where(_REPLICAS.c.ref.in_(some)))
            before.update((row.ref, row) for row in rows)
        moved = [row for one in standings if (row := self._row(one, before[str(one.ref)])) is not None]
        if moved:
            names = [name for name in moved[0] if name != "key"]
            new: dict[str, Any] = {name: bindparam(f"new_{name}", type_=_REPLICAS.c[name].type) for name in names}
            values = [{"key": row["key"], **{f"new_{name}": row[name] for name in names}} for row in moved]
            self.connection.execute(update(_REPLICAS).where(_REPLICAS.c.id == bindparam("key")).values(new), values)

    def held(self, replicas: Iterable[int]) -> set[tuple[int, int]]:
        """(rule, replica) of every hold on these replicas."""
        found = set[tuple[int, int]]()
        for some in chunks(replicas):
            here = _HOLDS.c.replica.in_([int(one) for one in some])
            found.update(
                (r, p) for r, p in self.connection.execute(select(_HOLDS.c.rule, _HOLDS.c.replica).where(here))
            )
        return found

    def read(self, dataset: str, storage: str) -> None:
        """The copy there was read now."""
        here = (_REPLICAS.c.dataset == dataset) & (_REPLICAS.c.storage == storage)
        self.connection.execute(update(_REPLICAS).where(here).values(accessed=self.now))

    def unread(self, storages: Collection[str]) -> None:
        """What lies on these storages could not be looked at."""
        state = ReplicaState.TEMPORARY_UNAVAILABLE.value
        for some in chunks(storages):
            here = _REPLICAS.c.storage.in_(some) & (_REPLICAS.c.state != state)
            self.connection.execute(update(_REPLICAS).where(here).values(state=state, since=self.now))

    def forget(self, gone: Collection[Ref]) -> set[int]:
        """Forget what is gone; the rules whose locks went with it."""
        concerned = set[int]()
        for some in chunks(gone):
            ids = set(self.connection.scalars(select(_REPLICAS.c.id).where(_REPLICAS.c.ref.in_(some))))
            concerned |= {rule for rule, _ in self.held(ids)}
            for rows in (_LOCKS, _HOLDS):
                self.connection.execute(delete(rows).where(rows.c.replica.in_(ids)))
            self.connection.execute(delete(_REPLICAS).where(_REPLICAS.c.id.in_(ids)))
        return concerned

    def _row(self, one: ReplicaStanding, before: Any) -> dict[str, Any] | None:
        """The row as it is now; None where nothing differs."""
        held = bool(one.shares) or one.origin
        row = {
            "storage": one.storage,
            "dataset": one.dataset,
            "uid": one.uid or before.uid,
            "state": one.state.value,
            "wanted": one.wanted,
            "seen": one.seen,
            "tried": before.tried if one.tried is None else one.tried,
            "files": one.files,
            "bytes": one.bytes,
            "origin": one.origin,
            "vo": one.vo,
            "since": before.since if before.state == one.state.value else self.now,
            "tombstone": None if held else before.tombstone or self.now,
            "accessed": max(filter(None, (before.accessed, one.accessed)), default=None),
        }
        same = all(getattr(before, name) == value for name, value in row.items())
        return None if same else {"key": before.id, **row}
