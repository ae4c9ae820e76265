"""Locks: one row for each file that a rule holds on a replica, written in bulk and only where something has changed.

``Locks.write`` is the way in. Of a hold that is as it was, nothing is read but its digests; of one whose files stayed
the same, only the rows that are not OK.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from reconciler.model import Ref, digest_of
from reconciler.ports import DataPolicy, Files
from reconciler.records.database import Database, chunks
from reconciler.records.tables import DataRuleRow, HoldRow, LockRow, LockState, ReplicaRow, table

_RULES, _REPLICAS, _HOLDS, _LOCKS = table(DataRuleRow), table(ReplicaRow), table(HoldRow), table(LockRow)
_AT_ONCE = 20_000
"""Rows in one statement."""


class Bad(NamedTuple):
    """A file that is not as it should be."""

    state: LockState
    error: str = ""
    tried: bool = False
    """It was tried in this run, in vain."""


@dataclass(frozen=True)
class Hold:
    """The files that one rule holds on one replica. ``bad`` are those that are not OK, by path."""

    rule: int
    replica: int
    files: Files
    bad: Mapping[str, Bad] = field(default_factory=dict)

    @property
    def basis(self) -> str:
        """Digest of what is not OK."""
        said = "".join(f"{path}\0{bad.state}\0{bad.error}\n" for path, bad in sorted(self.bad.items()))
        return digest_of(said.encode()) if said else ""


@dataclass(frozen=True)
class Writing:
    """Locks being written in one transaction."""

    database: Database
    connection: Connection
    policy: DataPolicy
    now: datetime

    def write(self, holds: Iterable[Hold]) -> int:
        """Write what differs; how many rows that were."""
        found = list(holds)
        before = self._held({hold.rule for hold in found})
        return sum(self._one(hold, before.get((hold.rule, hold.replica))) for hold in found)

    def release(self, gone: Iterable[tuple[int, int]]) -> int:
        """Drop all locks of these (rule, replica); how many."""
        number = 0
        for rule, replica in gone:
            here = (_LOCKS.c.rule == rule) & (_LOCKS.c.replica == replica)
            number += self.connection.execute(delete(_LOCKS).where(here)).rowcount
            self.connection.execute(delete(_HOLDS).where(_HOLDS.c.rule == rule, _HOLDS.c.replica == replica))
        return number

    def _held(self, rules: Iterable[int]) -> dict[tuple[int, int], Any]:
        found: dict[tuple[int, int], Any] = {}
        for some in chunks(rules):
            rows = self.connection.execute(select(_HOLDS).where(_HOLDS.c.rule.in_([int(rule) for rule in some])))
            found.update(((row.rule, row.replica), row) for row in rows)
        return found

    def _one(self, hold: Hold, before: Any) -> int:
        if before is not None and before.stuck and hold.bad:
            hold = self._still_stuck(hold)
        share, basis = hold.files.digest, hold.basis
        tried = any(bad.tried for bad in hold.bad.values())
        if before is not None and (before.share, before.basis) == (share, basis) and not tried:
            return 0
        if before is None:
            written = self._insert(hold, zip(hold.files.paths, hold.files.sizes, strict=True), {})
        elif before.share == share:
            written = self._moved(hold)
        else:
            written = self._shared_otherwise(hold)
        self.connection.execute(self.database.upsert(_HOLDS), [self._summed(hold, share, basis)])
        return written

    def _still_stuck(self, hold: Hold) -> Hold:
        """What was stuck and was not tried since is stuck for the same reason."""
        stuck = {row.path: row.error for row in self._rows(hold, _LOCKS.c.state == LockState.STUCK)}
        bad = {
            path: Bad(LockState.STUCK, stuck[path]) if path in stuck and not one.tried and not one.error else one
            for path, one in hold.bad.items()
        }
        return replace(hold, bad=bad)

    def _summed(self, hold: Hold, share: str, basis: str) -> dict[str, Any]:
        stuck = sum(bad.state is LockState.STUCK for bad in hold.bad.values())
        return {
            "rule": hold.rule,
            "replica": hold.replica,
            "share": share,
            "basis": basis,
            "ok": len(hold.files) - len(hold.bad),
            "replicating": len(hold.bad) - stuck,
            "stuck": stuck,
            "bytes": hold.files.bytes,
        }

    def _insert(self, hold: Hold, rows: Iterable[tuple[str, int]], before: Mapping[str, Any]) -> int:
        number = 0
        for some in _portions(self._row(hold, path, size, before.get(path)) for path, size in rows):
            self.connection.execute(insert(_LOCKS), some)
            number += len(some)
        return number

    def _row(self, hold: Hold, path: str, size: int, before: Any) -> dict[str, Any]:
        bad = hold.bad.get(path)
        row = {"rule": hold.rule, "replica": hold.replica, "path": path, "size": max(0, size)}
        return row | self._stands(bad, before)

    def _stands(self, bad: Bad | None, before: Any) -> dict[str, Any]:
        """State and history of one lock. The longer it has been stuck, the longer it waits for its next try."""
        state = bad.state if bad else LockState.OK
        since = before.since if before is not None and before.state == state else self.now
        tries, error, again = (before.tries, before.error, before.next_try) if before is not None else (0, "", None)
        if bad is None:
            return {"state": 0, "since": since, "tries": 0, "error": "", "next_try": None}
        if bad.tried or (bad.state is LockState.STUCK and not error):
            tries, again = tries + bad.tried, self._next(since) if bad.tried else again
        return {
            "state": int(state),
            "since": since,
            "tries": tries,
            "error": bad.error or error,
            "next_try": again if bad.state is LockState.STUCK else None,
        }

    def _next(self, since: datetime) -> datetime:
        """When a lock stuck ``since`` then is tried again."""
        hours = self.policy.retry_hours
        days = int((self.now - since) / timedelta(days=1))
        return self.now + timedelta(hours=hours[min(days, len(hours) - 1)])

    def _moved(self, hold: Hold) -> int:
        """The same files as before: only what is, or was, not OK is looked at."""
        if not hold.bad:
            return self._well(hold)
        before = {row.path: row for row in self._rows(hold, _LOCKS.c.state > 0)}
        concerned = sorted({*before, *hold.bad})
        values = [{"key": path} | self._stands(hold.bad.get(path), before.get(path)) for path in concerned]
        return self._update(hold, values)

    def _well(self, hold: Hold) -> int:
        """All of them are OK now."""
        here = (_LOCKS.c.rule == hold.rule) & (_LOCKS.c.replica == hold.replica) & (_LOCKS.c.state > 0)
        return self.connection.execute(update(_LOCKS).where(here).values(self._stands(None, None))).rowcount

    def _shared_otherwise(self, hold: Hold) -> int:
        """Other files than before: drop what went, add what came, change the rest where its state changed."""
        before = {row.path: row for row in self._rows(hold)}
        sizes = dict(zip(hold.files.paths, hold.files.sizes, strict=True))
        here = (_LOCKS.c.rule == hold.rule) & (_LOCKS.c.replica == hold.replica)
        gone = before.keys() - sizes.keys()
        for some in chunks(sorted(gone)):
            self.connection.execute(delete(_LOCKS).where(here, _LOCKS.c.path.in_(some)))
        fresh = self._insert(hold, ((path, size) for path, size in sizes.items() if path not in before), {})
        kept = [path for path in sizes if path in before and (path in hold.bad or before[path].state)]
        changed = self._update(hold, [{"key": path} | self._stands(hold.bad.get(path), before[path]) for path in kept])
        return len(gone) + fresh + changed

    def _rows(self, hold: Hold, *where: Any) -> Iterator[Any]:
        row = _LOCKS.c
        columns = (row.path, row.state, row.since, row.tries, row.error, row.next_try)
        here = (row.rule == hold.rule, row.replica == hold.replica)
        yield from self.connection.execute(select(*columns).where(*here, *where))

    def _update(self, hold: Hold, values: Sequence[dict[str, Any]]) -> int:
        here = (_LOCKS.c.rule == hold.rule) & (_LOCKS.c.replica == hold.replica)
        names = ("state", "since", "tries", "error", "next_try")
        new: dict[str, Any] = {name: bindparam(f"new_{name}", type_=_LOCKS.c[name].type) for name in names}
        statement = update(_LOCKS).where(here, _LOCKS.c.path == bindparam("key")).values(new)
        for some in _portions({"key": v["key"], **{f"new_{n}": v[n] for n in names}} for v in values):
            self.connection.execute(statement, some)
        return len(values)


@dataclass(frozen=True)
class Locks:
    """The locks of one database."""

    database: Database
    policy: DataPolicy = field(default_factory=DataPolicy)

    def write(self, rule: Ref, replica: Ref, files: Files, bad: Mapping[str, Bad] | None = None) -> int:
        """Let one rule hold these files on one replica, durably; how many rows were written.

        ``bad`` are those that are not there yet, by path. Rule and replica need not have been recorded before.
        """
        with self.database.writing() as connection:
            writing = Writing(self.database, connection, self.policy, self.database.now())
            rules = numbers(self.database, connection, _RULES, {str(rule): nobody(rule, writing.now)})
            replicas = numbers(self.database, connection, _REPLICAS, {str(replica): nothing(replica, writing.now)})
            return writing.write([Hold(rules[str(rule)], replicas[str(replica)], files, bad or {})])

    def counts(self) -> dict[LockState, int]:
        """How many locks are in each state."""
        with self.database.reading() as connection:
            rows = connection.execute(select(_LOCKS.c.state, func.count()).group_by(_LOCKS.c.state))
            return {LockState(state): number for state, number in rows}


def numbers(
    database: Database, connection: Connection, rows: Any, wanted: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    """The number of each row, by its ref; ``wanted`` are the values of those that are not there yet."""
    found: dict[str, int] = {}

    def look() -> None:
        for some in chunks(key for key in wanted if key not in found):
            found.update(
                (ref, n) for ref, n in connection.execute(select(rows.c.ref, rows.c.id).where(rows.c.ref.in_(some)))
            )

    look()
    missing = [dict(values) for key, values in wanted.items() if key not in found]
    if missing:
        connection.execute(database.insert(rows).on_conflict_do_nothing(), missing)
        look()
    return found


def nobody(rule: Ref, now: datetime) -> dict[str, Any]:
    """The row of a rule of which nothing is known yet."""
    counts = dict.fromkeys(("ok", "replicating", "stuck", "bytes", "failing_seconds"), 0)
    texts = dict.fromkeys(("dataset", "message", "source", "vo", "owner"), "")
    return {"ref": str(rule), "state": "PLANNED", "since": now, "judged_at": now, **counts, **texts}


def nothing(replica: Ref, now: datetime) -> dict[str, Any]:
    """The row of a replica of which nothing is known yet."""
    texts = dict.fromkeys(("storage", "dataset", "uid", "wanted", "seen", "tried", "vo"), "")
    row = {"ref": str(replica), "state": "COPYING", "since": now, "files": 0, "bytes": 0, "origin": False}
    return {**row, **texts, "tombstone": None, "accessed": None}


def _portions(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
