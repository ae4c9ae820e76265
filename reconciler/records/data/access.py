"""The tables of data: written after a run, and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from re import Pattern
from typing import Any

from sqlalchemy import or_, select, update

from reconciler.model import Ref
from reconciler.model.data import (
    DarkRecord,
    HoldRecord,
    LockRecord,
    ReplicaRecord,
    ReplicaState,
    RuleRecord,
    RuleState,
    ScanRecord,
)
from reconciler.ports import DataPolicy
from reconciler.records.catalogue import Kept
from reconciler.records.data.nouns import Settling
from reconciler.records.data.settling import settle
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import HEAVY
from reconciler.records.tables import (
    DarkRow,
    DataRuleRow,
    HoldRow,
    LockRow,
    LockState,
    OperationRow,
    ReplicaRow,
    ScanRow,
    table,
)

_RULES, _REPLICAS, _HOLDS, _LOCKS = table(DataRuleRow), table(ReplicaRow), table(HoldRow), table(LockRow)
_SCANS, _DARK, _OPERATIONS = table(ScanRow), table(DarkRow), table(OperationRow)


@dataclass(frozen=True)
class Data:
    """The tables of data of one database."""

    database: Database

    # -- writing ---------------------------------------------------------------------------------------------------

    def settle(self, told: Settling, policy: DataPolicy) -> int:
        """Write down how data stands; how many locks were written."""
        with self.database.writing() as connection:
            return settle(self.database, connection, told, policy, self.database.now())

    def resume(self, source: Callable[[Ref], str | None]) -> list[Ref]:
        """Let suspended rules begin anew that git has changed; which. ``source`` is the digest of what git says."""
        with self.database.reading() as connection:
            suspended = _RULES.c.state == RuleState.SUSPENDED.value
            rows = connection.execute(select(_RULES.c.ref, _RULES.c.source).where(suspended)).all()
        anew = [Ref(ref) for ref, before in rows if source(Ref(ref)) not in (None, before)]
        if anew:
            with self.database.writing() as connection:
                now = self.database.now()
                for some in chunks(anew):
                    fresh = {"state": RuleState.REPLICATING.value, "failing_seconds": 0, "since": now, "judged_at": now}
                    connection.execute(update(_RULES).where(_RULES.c.ref.in_(some)).values(message="", **fresh))
        return anew

    def retry(self, rule: Ref) -> int:
        """Let everything that is stuck of a rule be tried in the next run; how many files."""
        with self.database.writing() as connection:
            own = select(_RULES.c.id).where(_RULES.c.ref == str(rule)).scalar_subquery()
            stuck = (_LOCKS.c.rule == own) & (_LOCKS.c.state == LockState.STUCK)
            return connection.execute(update(_LOCKS).where(stuck).values(next_try=None)).rowcount

    def sweep(self, catalogue: Kept, digest: Pattern[bytes]) -> int:
        """Drop filesets that nothing refers to: no resource, no operation under way, no replica, no lock."""
        with self.database.writing() as connection:
            row, open_ = HEAVY.c, _OPERATIONS.c.state.in_(("intended", "started", "unknown"))
            kinds = or_(*(row.ref.like(f"{kind}/%") for kind in ("Replica", "DatasetRule", "Dataset")))
            contents = [
                *connection.scalars(select(row.content).where(kinds)),
                *connection.scalars(select(_OPERATIONS.c.content).where(open_)),
            ]
            needed = {found.decode() for content in contents if content for found in digest.findall(content)}
            for column in (_REPLICAS.c.wanted, _REPLICAS.c.seen, _HOLDS.c.share):
                needed.update(connection.scalars(select(column).distinct()))
            return catalogue.sweep(connection, needed)

    # -- reading ---------------------------------------------------------------------------------------------------

    def replicas(self, rule: Ref | None = None) -> tuple[ReplicaRecord, ...]:
        """Every replica; only those that one rule holds, if given."""
        statement = select(_REPLICAS).order_by(_REPLICAS.c.dataset, _REPLICAS.c.storage)
        if rule is not None:
            held = select(_HOLDS.c.replica).join(_RULES, _RULES.c.id == _HOLDS.c.rule).where(_RULES.c.ref == str(rule))
            statement = statement.where(_REPLICAS.c.id.in_(held))
        with self.database.reading() as connection:
            return tuple(_replica(row) for row in connection.execute(statement))

    def rules(self, ref: Ref | None = None) -> tuple[RuleRecord, ...]:
        """Every rule, or one."""
        statement = select(_RULES).order_by(_RULES.c.ref)
        if ref is not None:
            statement = statement.where(_RULES.c.ref == str(ref))
        with self.database.reading() as connection:
            return tuple(_rule(row) for row in connection.execute(statement))

    def open_locks(self, rule: Ref, limit: int = 1000) -> tuple[LockRecord, ...]:
        """The locks of a rule that are not OK, stuck ones first."""
        row = _LOCKS.c
        columns = (_RULES.c.ref, _REPLICAS.c.storage, row.path, row.size, row.state, row.since, row.tries, row.error)
        statement = (
            select(*columns, row.next_try)
            .join(_RULES, _RULES.c.id == row.rule)
            .join(_REPLICAS, _REPLICAS.c.id == row.replica)
            .where(_RULES.c.ref == str(rule), row.state > 0)
            .order_by(row.state.desc(), _REPLICAS.c.storage, row.path)
            .limit(limit)
        )
        with self.database.reading() as connection:
            return tuple(_lock(found) for found in connection.execute(statement))

    def scans(self) -> tuple[ScanRecord, ...]:
        """The last scan of each storage."""
        with self.database.reading() as connection:
            return tuple(_scan(row) for row in connection.execute(select(_SCANS).order_by(_SCANS.c.target)))

    def dark(self, storage: str = "") -> tuple[DarkRecord, ...]:
        """Dark files, of one storage if given."""
        statement = select(_DARK).order_by(_DARK.c.target, _DARK.c.path)
        if storage:
            statement = statement.where(_DARK.c.target == f"storage:{storage}")
        with self.database.reading() as connection:
            return tuple(_dark(row) for row in connection.execute(statement))

    def holds(self) -> tuple[HoldRecord, ...]:
        """Every hold of a rule on a replica."""
        files = _HOLDS.c.ok + _HOLDS.c.replicating + _HOLDS.c.stuck
        rule = (_RULES.c.ref, _RULES.c.vo, _RULES.c.owner)
        replica = (_REPLICAS.c.ref.label("replica"), _REPLICAS.c.storage, _REPLICAS.c.dataset)
        statement = (
            select(*rule, *replica, files, _HOLDS.c.bytes)
            .join(_RULES, _RULES.c.id == _HOLDS.c.rule)
            .join(_REPLICAS, _REPLICAS.c.id == _HOLDS.c.replica)
            .order_by(_RULES.c.ref, _REPLICAS.c.ref)
        )
        with self.database.reading() as connection:
            rows = connection.execute(statement).all()
        return tuple(HoldRecord(Ref(r), vo, owner, Ref(p), *rest) for r, vo, owner, p, *rest in rows)


def _replica(row: Any) -> ReplicaRecord:
    return ReplicaRecord(
        Ref(row.ref),
        row.storage,
        row.dataset,
        row.uid,
        ReplicaState(row.state),
        row.files,
        row.bytes,
        row.origin,
        row.vo,
        row.since,
        row.tombstone,
        row.accessed,
    )


def _rule(row: Any) -> RuleRecord:
    return RuleRecord(
        Ref(row.ref),
        row.dataset,
        RuleState(row.state),
        row.message,
        row.since,
        row.ok,
        row.replicating,
        row.stuck,
        row.bytes,
        row.failing_seconds,
        row.vo,
        row.owner,
    )


def _lock(row: Any) -> LockRecord:
    rule, storage, path, size, state, *rest = row
    return LockRecord(Ref(rule), storage, path, size, LockState(state).name, *rest)


def _scan(row: Any) -> ScanRecord:
    _, *rest = row
    return ScanRecord(row.target.partition(":")[2], *rest)


def _dark(row: Any) -> DarkRecord:
    _, *rest = row
    return DarkRecord(row.target.partition(":")[2], *rest)
