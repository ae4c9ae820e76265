"""Availability: rows of each day of each report, a day always replaced whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, literal_column, select, update

from reconciler.errors import RecordsError
from reconciler.model import ProbeRecord, Ref
from reconciler.model.uptime import UptimeDay, UptimeLevel, UptimeRecord
from reconciler.records.database import Database, chunks
from reconciler.records.tables import ProbeResultRow, StatusChangeRow, UptimeDayRow, UptimeRow, table

_ROWS, _DAYS = table(UptimeRow), table(UptimeDayRow)
_RESULTS, _CHANGES = table(ProbeResultRow), table(StatusChangeRow)
_PORTION = 2000
_ORDER = (_ROWS.c.day, _ROWS.c.site, _ROWS.c.function, _ROWS.c.service, _ROWS.c.hostname)

Result = tuple[str, datetime, str, list[list[Any]] | None]
"""(probe, time, status, performance data where it was asked for)."""


@dataclass(frozen=True)
class Uptime:
    """The availability rows of one database."""

    database: Database

    def rebuild(self, day: UptimeDay, records: Collection[UptimeRecord]) -> None:
        """Replace one day of one report in one transaction; the same again changes nothing."""
        strange = [r for r in records if (r.report, r.day) != (day.report, day.day)]
        if strange:
            raise RecordsError(f"{strange[0].site} of {strange[0].day} is not of {day.report} on {day.day}")
        with self.database.writing() as connection:
            here = (_ROWS.c.report == day.report, _ROWS.c.day == day.day)
            connection.execute(delete(_ROWS).where(*here))
            rows = iter(asdict(record) for record in records)
            while portion := list(islice(rows, _PORTION)):
                connection.execute(insert(_ROWS), portion)
            connection.execute(self.database.upsert(_DAYS), asdict(day))

    def reopen(self, days: Collection[date]) -> None:
        """Results of past days have come in: what was computed of them is to be computed again."""
        if days:
            with self.database.writing() as connection:
                connection.execute(update(_DAYS).where(_DAYS.c.day.in_(days)).values(complete=False))

    def days(self, report: str, start: date, end: date) -> dict[date, UptimeDay]:
        """Days that have been computed, both ends included."""
        within = (_DAYS.c.report == report, _DAYS.c.day >= start, _DAYS.c.day <= end)
        with self.database.reading() as connection:
            rows = connection.execute(select(_DAYS).where(*within).order_by(_DAYS.c.day)).mappings()
            return {row["day"]: UptimeDay(**row) for row in rows}

    def rows(
        self,
        report: str,
        start: date,
        end: date,
        levels: Sequence[UptimeLevel] = ("group",),
        site: str | None = None,
    ) -> tuple[UptimeRecord, ...]:
        """Rows of days, both ends included, by day and site."""
        asked = [_ROWS.c.report == report, _ROWS.c.day >= start, _ROWS.c.day <= end, _ROWS.c.level.in_(levels)]
        asked += [_ROWS.c.site == site] if site is not None else []
        with self.database.reading() as connection:
            rows = connection.execute(select(_ROWS).where(*asked).order_by(*_ORDER)).mappings()
            return tuple(_record(row) for row in rows)

    def reports(self) -> tuple[str, ...]:
        """Reports of which a day has been computed."""
        with self.database.reading() as connection:
            return tuple(connection.execute(select(_DAYS.c.report).distinct().order_by(_DAYS.c.report)).scalars())

    def shares(self, since: date) -> dict[str, float]:
        """Site -> share of the known time in which it was up, in the report *Default* or else in the only one."""
        reports = self.reports()
        report = "Default" if "Default" in reports else reports[0] if len(reports) == 1 else None
        row = _ROWS.c
        asked = select(row.site, func.sum(row.up), func.sum(1.0 - row.unknown)).group_by(row.site)
        within = (row.report == report, row.level == "group", row.day >= since)
        with self.database.reading() as connection:
            found = connection.execute(asked.where(*within)).all() if report is not None else []
        return {site: up / known for site, up, known in found if known > 0}

    def results(
        self, refs: Iterable[Ref], start: datetime, end: datetime, *, changes_only: bool = False, data: bool = False
    ) -> Iterator[Result]:
        """Results that count (hard ones) of probes, from ``start``, before ``end``: each probe's in the order of time.

        With ``changes_only`` those are left out that say what the one before them said. Each probe is looked up by
        itself: how much is kept of others, and of other days, costs nothing.
        """
        row = _RESULTS.c
        raw: list[ColumnElement[Any]] = [
            literal_column(name) for name in ("ref", "at", "status", "perfdata" if data else "NULL")
        ]
        within = (row.at >= start, row.at < end, row.hard)
        with self.database.reading() as connection:
            for some in chunks(refs):
                asked = select(*raw).select_from(_RESULTS).where(row.ref.in_(some), *within).order_by(row.ref, row.at)
                told = ("", "")
                for ref, at, status, measured in connection.execute(asked.execution_options(yield_per=_PORTION)):
                    if not changes_only or told != (ref, status):
                        told = (ref, status)
                        yield ref, _moment(at), status, orjson.loads(measured) if measured else None

    def first_result(self) -> datetime | None:
        """When the oldest result was made that is still kept."""
        statement: Select[Any] = select(func.min(_RESULTS.c.at))
        with self.database.reading() as connection:
            found: datetime | None = connection.execute(statement).scalar()
            return found

    @property
    def trimmed(self) -> bool:
        """Whether old results were forgotten: changes of state are kept for good, and older ones are there."""
        oldest = self.first_result()
        with self.database.reading() as connection:
            changed: datetime | None = connection.execute(select(func.min(_CHANGES.c.at))).scalar()
        return changed is not None and (oldest is None or changed < oldest)

    def result_at(self, ref: Ref, until: datetime) -> ProbeRecord | None:
        """The last result of a probe, of those that count, before a time."""
        row = _RESULTS.c
        asked = select(_RESULTS).where(row.ref == str(ref), row.at < until, row.hard)
        with self.database.reading() as connection:
            found = connection.execute(asked.order_by(row.at.desc()).limit(1)).mappings().first()
        return _result(found) if found else None

    def soft(self, refs: Iterable[Ref], start: datetime, end: datetime) -> list[ProbeRecord]:
        """Results of probes that do not count, from ``start``, before ``end``, in the order of time."""
        row = _RESULTS.c
        within = (row.at >= start, row.at < end, ~row.hard)
        parts = (select(_RESULTS).where(row.ref.in_(some), *within) for some in chunks(refs))
        with self.database.reading() as connection:
            found = [_result(one) for part in parts for one in connection.execute(part).mappings()]
        return sorted(found, key=lambda one: (one.at, one.ref))


def _result(row: RowMapping) -> ProbeRecord:
    perfdata = tuple(tuple(values) for values in row["perfdata"])
    return ProbeRecord(**{**row, "ref": Ref(row["ref"]), "perfdata": perfdata})


def _moment(at: str | datetime) -> datetime:
    """A time as the driver gives it, which for many rows is quicker than to have each made ready."""
    return datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at.astimezone(UTC)


def _record(row: RowMapping) -> UptimeRecord:
    points = tuple((int(second), str(status)) for second, status in row["points"])
    return UptimeRecord(**{**row, "points": points, "recomputations": tuple(row["recomputations"])})
