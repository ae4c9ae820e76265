"""The journal: what apply/ is about to do, written down before it does it, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, bindparam, func, select, update

from reconciler.errors import RecordsError
from reconciler.model import (
    WRITES,
    BookKeeping,
    Operation,
    Outcome,
    Progress,
    Reason,
    Ref,
    Started,
    Target,
    Unsettled,
    Verb,
    encode,
)
from reconciler.records.conditions import advanced
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import read_edges, where
from reconciler.records.lease import Fence, hold_fast
from reconciler.records.observations import forget_tokens
from reconciler.records.runs import interrupted
from reconciler.records.settling import Settling, hashes
from reconciler.records.tables import OperationRow, RunRow, table

_OPERATIONS, _RUNS = table(OperationRow), table(RunRow)
_OPEN = _OPERATIONS.c.state.in_(("intended", "started", "unknown"))
_AGAIN = ("state", "attempt", "handle", "intended_at", "started_at", "deadline", "settled_at", "message", "progress")
_TOUCHING = WRITES | {Verb.ADOPT}
"""Verbs after which a target may look different (an adoption leaves a mark)."""

Resolution = Literal["done", "failed", "unknown", "resolved"]


@dataclass(frozen=True)
class Journals:
    """The journal of one database, over all runs."""

    database: Database

    def open(
        self, run: str, commit: str, plan_digest: str, book: Mapping[Ref, BookKeeping], fence: Fence | None = None
    ) -> RunJournal:
        """The journal of one run.

        ``book`` holds what the inventory must know of every resource that the run makes or changes. With ``fence``
        (a lease's name and token) nothing can be intended any more once somebody else holds the lease; and as only
        the holder runs, every other run that never ended was killed, and is written down as such, with what it had
        begun.
        """
        if fence:
            self._bury(run, fence)
        with self.database.reading() as connection:
            who = connection.scalar(select(_RUNS.c.who).where(_RUNS.c.id == run))
            earlier = select(_OPERATIONS.c.ref).where(_OPEN, _OPERATIONS.c.run != run)
            haunted = frozenset(connection.scalars(earlier))
        if who is None:
            raise RecordsError(f"there is no run {run}: begin it first")
        return RunJournal(self.database, run, commit, plan_digest, who, book, fence, haunted)

    def _bury(self, run: str, fence: Fence) -> None:
        dead = select(_RUNS.c.id).where(_RUNS.c.state == "running", _RUNS.c.id != run)
        with self.database.writing() as connection:
            hold_fast(connection, fence)
            for killed in connection.scalars(dead).all():
                interrupted(connection, killed, self.database.now(), run)

    def unsettled(self, but: str = "") -> tuple[Unsettled, ...]:
        """Operations whose end nobody knows, oldest first; without those of the run ``but``."""
        order = (_OPERATIONS.c.intended_at, _OPERATIONS.c.id)
        statement = select(_OPERATIONS).where(_OPEN, _OPERATIONS.c.run != but).order_by(*order)
        with self.database.reading() as connection:
            return tuple(_unsettled(row) for row in connection.execute(statement))

    def mended(self, since: datetime) -> dict[Ref, tuple[datetime, ...]]:
        """When mending of drift was begun by runs that started after ``since``, whatever became of it."""
        row = _OPERATIONS.c
        runs = select(_RUNS.c.id).where(_RUNS.c.started_at > since)
        begun = select(row.ref, row.intended_at).where(row.run.in_(runs), row.verb == Verb.UPDATE.value)
        found: dict[Ref, list[datetime]] = {}
        with self.database.reading() as connection:
            for ref, at in connection.execute(begun.where(row.reason == Reason.DRIFT_DETECTED.value)):
                found.setdefault(Ref(ref), []).append(at)
        return {ref: tuple(sorted(times)) for ref, times in found.items()}

    def resolve(self, operations: Collection[str], state: Resolution, message: str) -> None:
        """Write down what was found out about operations that were left open."""
        now = self.database.now()
        with self.database.writing() as connection:
            for some in chunks(operations):
                found = update(_OPERATIONS).where(_OPERATIONS.c.id.in_(some), _OPEN)
                connection.execute(found.values(state=state, message=message, settled_at=now))


@dataclass(frozen=True)
class RunJournal:
    """One run's part of the journal: ``ports.Journal``."""

    database: Database
    run: str
    commit: str
    plan_digest: str
    who: str
    book: Mapping[Ref, BookKeeping]
    fence: Fence | None
    haunted: frozenset[str]
    """Resources with an open operation of an earlier run."""
    touched: set[str] = field(default_factory=set)
    """Targets whose tokens this run has made void."""

    def intend(self, operations: Sequence[Operation]) -> None:
        """Write down that these are about to be done, in one transaction, before any of them is."""
        if not operations:
            return
        rows = [self._row(operation) for operation in operations]
        statement = self.database.insert(_OPERATIONS)
        again = {name: statement.excluded[name] for name in _AGAIN}
        with self.database.writing() as connection:
            if self.fence:
                hold_fast(connection, self.fence)
            replaced = [op.action.ref for op in operations if op.action.verb is Verb.REPLACE]
            targets = {op.action.target for op in operations if op.action.verb in _TOUCHING}
            targets |= set(where(connection, replaced).values())
            forget_tokens(connection, sorted(targets - self.touched))
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=again), rows)
        self.touched.update(targets)

    def started(self, operations: Sequence[tuple[Operation, Started]]) -> None:
        """Write down the handles of operations that take a while. A deadline counts from the first start."""
        if not operations:
            return
        now = self.database.now()
        row = _OPERATIONS.c
        first = {"started_at": _first(row.started_at, "now"), "deadline": _first(row.deadline, "last")}
        statement = (
            update(_OPERATIONS)
            .where(row.id == bindparam("key"))
            .values(state="started", handle=bindparam("with_handle"), message=bindparam("said", type_=row.message.type))
            .values(progress=bindparam("come", type_=row.progress.type))
            .values(first)
        )
        values = [
            {
                "key": operation.id,
                "with_handle": answer.handle,
                "said": answer.message,
                "come": _come(answer.progress, now),
                "now": now,
                "last": now + timedelta(seconds=answer.deadline),
            }
            for operation, answer in operations
        ]
        with self.database.writing() as connection:
            connection.execute(statement, values)
            come = {op.action.ref: (op.action.generation, answer.stages) for op, answer in operations if answer.stages}
            advanced(self.database, connection, come, now)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what became of them, and bring the inventory up to date in the same transaction."""
        if not outcomes:
            return
        with self.database.writing() as connection:
            Settling(self, connection).settle(outcomes)

    def _row(self, operation: Operation) -> dict[str, Any]:
        action = operation.action
        book = self.book.get(action.ref)
        before, after = hashes(action)
        spec = action.before if action.spec is None else action.spec
        return {
            "id": operation.id,
            "run": self.run,
            "ref": str(action.ref),
            "verb": action.verb.value,
            "reason": action.reason.value,
            "uid": action.uid,
            "generation": action.generation,
            "state": "intended",
            "attempt": operation.attempt,
            "target": action.target,
            "driver": book.target.driver if book else "",
            "options": dict(book.target.options) if book else {},
            "content": b"" if spec is None else encode(spec),
            "edges": [[str(edge.ref), edge.gate, edge.path, edge.output] for edge in action.edges],
            "previous": None if action.previous is None else str(action.previous),
            "handle": operation.handle,
            "message": action.message,
            "progress": None,
            "before_hash": before,
            "after_hash": after,
            "who": self.who,
            "commit": self.commit,
            "plan_digest": self.plan_digest,
            "intended_at": self.database.now(),
            "started_at": None,
            "deadline": None,
            "settled_at": None,
        }


def _come(progress: Progress | None, now: datetime) -> dict[str, Any] | None:
    """Progress as it is kept: the end as a moment, and when all this was so."""
    if progress is None:
        return None
    left = progress.seconds_left
    end = None if left is None else (now + timedelta(seconds=left)).isoformat(timespec="seconds")
    return {**asdict(progress), "estimated_end": end, "at": now.isoformat(timespec="seconds")}


def _first(column: Any, name: str) -> Any:
    """The value that is there already, else the new one."""
    return func.coalesce(column, bindparam(name, type_=column.type))


def _unsettled(row: Row[Any]) -> Unsettled:
    return Unsettled(
        id=row.id,
        run=row.run,
        ref=Ref(row.ref),
        verb=Verb(row.verb),
        uid=row.uid,
        generation=row.generation,
        state=row.state,
        reason=row.reason,
        target=Target(row.target, row.driver, row.options),
        content=row.content,
        edges=read_edges(row.edges),
        previous=None if row.previous is None else Ref(row.previous),
        handle=row.handle,
        attempt=row.attempt,
        message=row.message,
        intended_at=row.intended_at,
        started_at=row.started_at,
        deadline=row.deadline,
        progress=row.progress or {},
    )
