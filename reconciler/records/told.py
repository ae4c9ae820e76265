"""Told: results that others bring, many at once, in any order, and perhaps not for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from reconciler.model import ProbeState, ProbeStatus, Ref, StatusChange
from reconciler.ports import CheckResult
from reconciler.records.columns import said
from reconciler.records.database import Database, chunks
from reconciler.records.probes import changed, next_state, result_row
from reconciler.records.tables import ProbeResultRow, ProbeStateRow, StatusChangeRow, table

_STATES, _RESULTS, _CHANGES = table(ProbeStateRow), table(ProbeResultRow), table(StatusChangeRow)
Verdict = Literal["kept", "known", "other"]
"""It is new; it was told before; another result of the same time is there, and stays."""


@dataclass(frozen=True, slots=True)
class Told:
    """A result that somebody tells."""

    ref: Ref
    at: datetime
    result: CheckResult
    attempts: int
    """So many bad ones in a row make a fault hard."""


@dataclass(frozen=True)
class Telling:
    """Takes results in."""

    database: Database

    def add(self, told: Sequence[Told]) -> list[Verdict]:
        """Keep results and say of each what became of it, all in one transaction.

        One that is older than the last of its probe is put where it belongs, and what came after it is counted anew.
        """
        by_ref: dict[Ref, list[int]] = {}
        for n, one in enumerate(told):
            by_ref.setdefault(one.ref, []).append(n)
        verdicts: list[Verdict] = ["kept"] * len(told)
        with self.database.writing() as connection:
            states = self._states(connection, by_ref)
            there = self._there(connection, told, states)
            made = _Made()
            for ref, numbers in by_ref.items():
                new = _sorted_out(told, numbers, there, verdicts)
                before = states.get(ref)
                if before and new and new[0].at <= before.checked_at:
                    self._put_between(connection, before, new)
                else:
                    made.fold(before, new)
            self._write(connection, made)
        return verdicts

    def _states(self, connection: Connection, refs: Iterable[Ref]) -> dict[Ref, ProbeState]:
        columns = [_STATES.c[name] for name in ProbeState.__slots__]
        parts = (select(*columns).where(_STATES.c.ref.in_(some)) for some in chunks(refs))
        found = (ProbeState(Ref(ref), *rest) for part in parts for ref, *rest in connection.execute(part))
        return {state.ref: state for state in found}

    def _there(
        self, connection: Connection, told: Sequence[Told], states: Mapping[Ref, ProbeState]
    ) -> dict[tuple[Ref, datetime], tuple[str, str]]:
        """What is known of the times that are told: only those up to a probe's last result can be."""
        old = [one for one in told if (state := states.get(one.ref)) and one.at <= state.checked_at]
        if not old:
            return {}
        row = _RESULTS.c
        span = (row.at >= min(one.at for one in old), row.at <= max(one.at for one in old))
        found: dict[tuple[Ref, datetime], tuple[str, str]] = {}
        for some in chunks({one.ref for one in old}):
            asked = select(row.ref, row.at, row.status, row.summary).where(row.ref.in_(some), *span)
            found |= {(Ref(ref), at): (status, summary) for ref, at, status, summary in connection.execute(asked)}
        return found

    def _write(self, connection: Connection, made: _Made) -> None:
        if made.rows:
            connection.execute(insert(_RESULTS), made.rows)
            connection.execute(self.database.upsert(_STATES), [_plain(state) for state in made.states])
        if made.changes:
            connection.execute(insert(_CHANGES), [_plain(change) for change in made.changes])

    def _put_between(self, connection: Connection, state: ProbeState, new: Sequence[Told]) -> None:
        """Count anew from the oldest of what is told."""
        row, first = _RESULTS.c, new[0].at
        here = row.ref == str(state.ref)
        later = connection.execute(select(_RESULTS).where(here, row.at >= first).order_by(row.at)).all()
        attempts = new[0].attempts
        known = [
            Told(state.ref, one.at, CheckResult(one.status, one.summary, _rows(one), one.seconds), attempts)
            for one in later
        ]
        lates = {one.at: one.late for one in later}
        before = self._before(connection, state, first)
        made = _Made()
        made.fold(before, sorted([*known, *new], key=lambda one: one.at), lates)
        connection.execute(delete(_RESULTS).where(here, row.at >= first))
        connection.execute(delete(_CHANGES).where(_CHANGES.c.ref == str(state.ref), _CHANGES.c.at >= first))
        self._write(connection, made)
        counted = {"runs": state.runs + len(new), "missed": state.missed}
        connection.execute(update(_STATES).where(_STATES.c.ref == str(state.ref)).values(**counted))

    def _before(self, connection: Connection, state: ProbeState, first: datetime) -> ProbeState | None:
        """How the probe stood before ``first``."""
        row, changes = _RESULTS.c, _CHANGES.c
        earlier = select(_RESULTS).where(row.ref == str(state.ref), row.at < first).order_by(row.at.desc()).limit(1)
        last = connection.execute(earlier).first()
        if last is None:
            return None
        moved = select(changes.at, changes.after).where(changes.ref == str(state.ref), changes.at < first, changes.hard)
        hard = connection.execute(moved.order_by(changes.at.desc(), changes.id.desc()).limit(1)).first()
        stood: ProbeStatus = hard.after if hard else "UNKNOWN"
        since = hard.at if hard else last.at
        return ProbeState(state.ref, last.status, stood, last.attempt, since, last.at, last.summary)


class _Made:
    """What is to be written."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.states: list[ProbeState] = []
        self.changes: list[StatusChange] = []

    def fold(
        self, before: ProbeState | None, new: Sequence[Told], lates: Mapping[datetime, float] | None = None
    ) -> None:
        """One result of one probe after the other."""
        for one in new:
            late = lates.get(one.at, 0.0) if lates else 0.0
            after = next_state(before, one.ref, one.result, one.attempts, one.at, late)
            self.rows.append(result_row(one.result, after))
            if change := changed(before, after):
                self.changes.append(change)
            before = after
        if before and new:
            self.states.append(before)


def _sorted_out(
    told: Sequence[Told],
    numbers: Sequence[int],
    there: Mapping[tuple[Ref, datetime], tuple[str, str]],
    verdicts: list[Verdict],
) -> list[Told]:
    """What is new of one probe, in the order of time; what became of the rest is noted."""
    ordered = sorted(numbers, key=lambda n: told[n].at) if len(numbers) > 1 else numbers
    for first, second in pairwise(ordered):
        if told[first].at == told[second].at:
            verdicts[second] = _compared(told[second], (told[first].result.status, said(told[first].result.summary)))
    for n in ordered:
        known = there.get((told[n].ref, told[n].at))
        if known is not None:
            verdicts[n] = _compared(told[n], known)
    return [told[n] for n in ordered if verdicts[n] == "kept"]


def _compared(one: Told, known: tuple[str, str]) -> Verdict:
    return "known" if (one.result.status, said(one.result.summary)) == known else "other"


def _plain(one: ProbeState | StatusChange) -> dict[str, object]:
    """A row; ``asdict`` copies every value deeply, which takes longer than to write it."""
    return {name: getattr(one, name) for name in one.__slots__} | {"ref": str(one.ref)}


def _rows(row: Row[tuple[object, ...]]) -> tuple[tuple[str, float, str, str, str, str, str], ...]:
    return tuple(tuple(values) for values in row.perfdata)
