"""How data stands after a run: replicas, the locks of rules, the rules themselves, and what scans have found.

``Data.settle`` writes all of it in one transaction; the rest reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from re import Pattern
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

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
from reconciler.ports import DataPolicy, Files, Scan
from reconciler.records.catalogue import Kept
from reconciler.records.columns import said
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import HEAVY
from reconciler.records.locks import Bad, Hold, Writing, nobody, nothing, numbers
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
_ITS_OWN = (RuleState.PLANNED, RuleState.WAITING_APPROVAL)
"""States that do not follow from locks."""


@dataclass(frozen=True)
class ReplicaStanding:
    """How one replica stands after a run."""

    ref: Ref
    uid: str
    storage: str
    dataset: str
    state: ReplicaState
    wanted: str
    """Digest of what is wanted there."""
    seen: str
    """Digest of what is there."""
    files: int
    bytes: int
    """Of what is there."""
    shares: Mapping[Ref, Files] = field(default_factory=dict)
    """Which of its files each rule holds."""
    bad: Mapping[str, Bad] = field(default_factory=dict)
    """What is not OK of them, by path."""
    origin: bool = False
    vo: str = ""
    tried: str | None = None
    """Digest of what was tried in this run, in vain; None: nothing was."""
    accessed: datetime | None = None


@dataclass(frozen=True)
class RuleStanding:
    """What git says of one rule, and how far it has come besides its locks."""

    ref: Ref
    dataset: str
    source: str
    """Digest of what git says: another one makes a new beginning."""
    vo: str = ""
    owner: str = ""
    state: RuleState | None = None
    """PLANNED or WAITING_APPROVAL; None where its locks say how it stands."""
    message: str = ""


@dataclass(frozen=True)
class Settling:
    """Everything that one run has to tell of data."""

    replicas: Sequence[ReplicaStanding] = ()
    rules: Sequence[RuleStanding] = ()
    gone_replicas: Collection[Ref] = ()
    gone_rules: Collection[Ref] = ()
    scans: Sequence[Scan] = ()
    unread: Collection[str] = ()
    """Storages that could not be read."""
    reads: Collection[tuple[str, str]] = ()
    """(dataset, storage) of copies that were read."""


@dataclass(frozen=True)
class Data:
    """The tables of data of one database."""

    database: Database

    # -- writing ---------------------------------------------------------------------------------------------------

    def settle(self, told: Settling, policy: DataPolicy) -> int:
        """Write down how data stands; how many locks were written."""
        with self.database.writing() as connection:
            return _Settler(self.database, connection, policy, self.database.now()).settle(told)

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


@dataclass
class _Settler:
    database: Database
    connection: Connection
    policy: DataPolicy
    now: datetime

    def settle(self, told: Settling) -> int:
        writing = Writing(self.database, self.connection, self.policy, self.now)
        concerned = self._drop(told)
        rules = numbers(self.database, self.connection, _RULES, self._rule_rows(told))
        replicas = numbers(
            self.database, self.connection, _REPLICAS, {str(r.ref): nothing(r.ref, self.now) for r in told.replicas}
        )
        self._replicas(told.replicas)
        holds = [hold for one in told.replicas for hold in _holds(one, replicas[str(one.ref)], rules)]
        wanted = {(hold.rule, hold.replica) for hold in holds}
        there = self._pairs(replicas.values())
        written = writing.release(there - wanted)
        written += writing.write(holds)
        concerned |= {rule for rule, _ in there | wanted} | set(rules.values())
        self._judge(concerned, {rules[str(one.ref)]: one for one in told.rules})
        for scan in told.scans:
            self._scan(scan)
        for dataset, name in sorted(told.reads):
            here = (_REPLICAS.c.dataset == dataset) & (_REPLICAS.c.storage == name)
            self.connection.execute(update(_REPLICAS).where(here).values(accessed=self.now))
        for some in chunks(told.unread):
            state = ReplicaState.TEMPORARY_UNAVAILABLE.value
            here = _REPLICAS.c.storage.in_(some) & (_REPLICAS.c.state != state)
            self.connection.execute(update(_REPLICAS).where(here).values(state=state, since=self.now))
        return written

    # -- replicas --------------------------------------------------------------------------------------------------

    def _drop(self, told: Settling) -> set[int]:
        """Forget what is gone; the rules whose locks went with it."""
        concerned = set[int]()
        for some in chunks(told.gone_replicas):
            ids = set(self.connection.scalars(select(_REPLICAS.c.id).where(_REPLICAS.c.ref.in_(some))))
            concerned |= {rule for rule, _ in self._pairs(ids)}
            for rows in (_LOCKS, _HOLDS):
                self.connection.execute(delete(rows).where(rows.c.replica.in_(ids)))
            self.connection.execute(delete(_REPLICAS).where(_REPLICAS.c.id.in_(ids)))
        for some in chunks(told.gone_rules):
            ids = set(self.connection.scalars(select(_RULES.c.id).where(_RULES.c.ref.in_(some))))
            for rows in (_LOCKS, _HOLDS):
                self.connection.execute(delete(rows).where(rows.c.rule.in_(ids)))
            self.connection.execute(delete(_RULES).where(_RULES.c.id.in_(ids)))
            concerned -= ids
        return concerned

    def _pairs(self, replicas: Iterable[int]) -> set[tuple[int, int]]:
        found = set[tuple[int, int]]()
        for some in chunks(replicas):
            here = _HOLDS.c.replica.in_([int(one) for one in some])
            found.update(
                (r, p) for r, p in self.connection.execute(select(_HOLDS.c.rule, _HOLDS.c.replica).where(here))
            )
        return found

    def _replicas(self, standings: Sequence[ReplicaStanding]) -> None:
        before: dict[str, Any] = {}
        for some in chunks(one.ref for one in standings):
            rows = self.connection.execute(select(_REPLICAS).where(_REPLICAS.c.ref.in_(some)))
            before.update((row.ref, row) for row in rows)
        moved = [row for one in standings if (row := self._replica(one, before[str(one.ref)])) is not None]
        if moved:
            names = [name for name in moved[0] if name != "key"]
            new: dict[str, Any] = {name: bindparam(f"new_{name}", type_=_REPLICAS.c[name].type) for name in names}
            values = [{"key": row["key"], **{f"new_{name}": row[name] for name in names}} for row in moved]
            self.connection.execute(update(_REPLICAS).where(_REPLICAS.c.id == bindparam("key")).values(new), values)

    def _replica(self, one: ReplicaStanding, before: Any) -> dict[str, Any] | None:
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

    # -- rules -----------------------------------------------------------------------------------------------------

    def _rule_rows(self, told: Settling) -> dict[str, dict[str, Any]]:
        named = {rule for one in told.replicas for rule in one.shares} | {one.ref for one in told.rules}
        return {str(ref): nobody(ref, self.now) for ref in sorted(named)}

    def _judge(self, concerned: set[int], told: Mapping[int, RuleStanding]) -> None:
        """Say how rules stand: those concerned, and all that are not OK, for their time runs."""
        restless = set(self.connection.scalars(select(_RULES.c.id).where(_RULES.c.state != RuleState.OK.value)))
        sums = self._sums(concerned | restless)
        for some in chunks(sorted(concerned | restless)):
            rows = self.connection.execute(select(_RULES).where(_RULES.c.id.in_([int(one) for one in some]))).all()
            for row in rows:
                self._judged(row, told.get(row.id), sums.get(row.id, (0, 0, 0, 0)))

    def _sums(self, rules: Iterable[int]) -> dict[int, tuple[int, int, int, int]]:
        row = _HOLDS.c
        found: dict[int, tuple[int, int, int, int]] = {}
        sums = (func.sum(row.ok), func.sum(row.replicating), func.sum(row.stuck), func.sum(row.bytes))
        for some in chunks(rules):
            statement = select(row.rule, *sums).where(row.rule.in_([int(one) for one in some])).group_by(row.rule)
            found.update(
                (rule, (int(a), int(b), int(c), int(d))) for rule, a, b, c, d in self.connection.execute(statement)
            )
        return found

    def _judged(self, row: Any, told: RuleStanding | None, sums: tuple[int, int, int, int]) -> None:
        ok, replicating, stuck, size = sums
        fresh = told is not None and told.source != row.source and bool(row.source)
        failing = 0 if fresh else self._failing(row)
        state, message = self._state(row, told, replicating, stuck, failing, fresh=fresh)
        values = {
            "dataset": told.dataset if told else row.dataset,
            "state": state.value,
            "message": said(message),
            "since": row.since if row.state == state.value else self.now,
            "source": told.source if told else row.source,
            "ok": ok,
            "replicating": replicating,
            "stuck": stuck,
            "bytes": size,
            "failing_seconds": failing,
            "vo": (told.vo if told else "") or row.vo,
            "owner": told.owner if told else row.owner,
        }
        moved = state is not RuleState.OK or any(getattr(row, name) != value for name, value in values.items())
        if moved:
            changed = update(_RULES).where(_RULES.c.id == row.id).values(judged_at=self.now, **values)
            self.connection.execute(changed)

    def _failing(self, row: Any) -> int:
        """Seconds of failing so far: flapping does not reset them, a long time without any does."""
        if row.state == RuleState.STUCK.value:
            return int(row.failing_seconds) + int((self.now - row.judged_at).total_seconds())
        calm = row.state == RuleState.OK.value and self.now - row.since > timedelta(days=self.policy.suspend_days)
        return 0 if calm else int(row.failing_seconds)

    def _state(
        self, row: Any, told: RuleStanding | None, replicating: int, stuck: int, failing: int, *, fresh: bool
    ) -> tuple[RuleState, str]:
        if told is not None and told.state in _ITS_OWN:
            return told.state, told.message
        if row.state == RuleState.SUSPENDED.value and not fresh and stuck + replicating:
            return RuleState.SUSPENDED, row.message
        if stuck and failing > self.policy.suspend_days * 86400:
            days = failing / 86400
            return RuleState.SUSPENDED, f"it has failed for {days:.0f} days in all: mend it, then change it in git"
        if stuck:
            return RuleState.STUCK, f"{stuck:,} files are stuck"
        return (RuleState.REPLICATING if replicating else RuleState.OK), ""

    # -- scans -----------------------------------------------------------------------------------------------------

    def _scan(self, scan: Scan) -> None:
        row = {
            "target": scan.target,
            "at": self.now,
            "files": scan.files,
            "expected": scan.expected,
            "missing": len(scan.missing),
            "first_missing": scan.missing[0] if scan.missing else "",
            "dark": len(scan.dark),
            "dark_bytes": sum(dark.size for dark in scan.dark),
        }
        self.connection.execute(self.database.upsert(_SCANS), [row])
        seen = {dark.path: dark for dark in scan.dark}
        known = set(self.connection.scalars(select(_DARK.c.path).where(_DARK.c.target == scan.target)))
        for some in chunks(sorted(known - seen.keys())):
            self.connection.execute(delete(_DARK).where(_DARK.c.target == scan.target, _DARK.c.path.in_(some)))
        rows = [
            {
                "target": scan.target,
                "path": dark.path,
                "size": dark.size,
                "uid": dark.uid,
                "first_seen": self.now,
                "last_seen": self.now,
            }
            for dark in seen.values()
        ]
        if rows:
            self.connection.execute(self.database.upsert(_DARK, keep=("first_seen",)), rows)


def _holds(one: ReplicaStanding, replica: int, rules: Mapping[str, int]) -> Iterator[Hold]:
    for rule, files in one.shares.items():
        own = one.bad
        if own and files.digest != one.wanted:
            paths = frozenset(files.paths)
            own = {path: bad for path, bad in one.bad.items() if path in paths}
        yield Hold(rules[str(rule)], replica, files, own)


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
