"""Rules of data judged: how each stands follows from its locks, and from how long some were stuck."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from reconciler.model import Ref
from reconciler.model.data import RuleState
from reconciler.ports import DataPolicy
from reconciler.records.columns import said
from reconciler.records.data.nouns import RuleStanding
from reconciler.records.database import chunks
from reconciler.records.tables import DataRuleRow, HoldRow, LockRow, table

_RULES, _HOLDS, _LOCKS = table(DataRuleRow), table(HoldRow), table(LockRow)
_ITS_OWN = (RuleState.PLANNED, RuleState.WAITING_APPROVAL)
"""States that do not follow from locks."""


@dataclass(frozen=True)
class Rules:
    """Rules being judged in one transaction."""

    connection: Connection
    policy: DataPolicy
    now: datetime

    def forget(self, gone: Collection[Ref]) -> set[int]:
        """Forget what is gone, with its locks; which rules that were."""
        found = set[int]()
        for some in chunks(gone):
            ids = set(self.connection.scalars(select(_RULES.c.id).where(_RULES.c.ref.in_(some))))
            for rows in (_LOCKS, _HOLDS):
                self.connection.execute(delete(rows).where(rows.c.rule.in_(ids)))
            self.connection.execute(delete(_RULES).where(_RULES.c.id.in_(ids)))
            found |= ids
        return found

    def judge(self, concerned: set[int], told: Mapping[int, RuleStanding]) -> None:
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
