"""Availability: rows of each day of each report, a day always replaced whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func, insert, select

from reconciler.errors import RecordsError
from reconciler.model import ProbeRecord, Ref
from reconciler.model.uptime import UptimeDay, UptimeLevel, UptimeRecord
from reconciler.records.database import Database
from reconciler.records.tables import ProbeResultRow, UptimeDayRow, UptimeRow, table

_ROWS, _DAYS, _RESULTS = table(UptimeRow), table(UptimeDayRow), table(ProbeResultRow)
_PORTION = 2000
_ORDER = (_ROWS.c.day, _ROWS.c.site, _ROWS.c.function, _ROWS.c.service, _ROWS.c.hostname)

Result = tuple[str, datetime, str, list[list[Any]]]
"""(probe, time, status, performance data)."""


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

    def results(self, start: datetime, end: datetime) -> list[Result]:
        """Results of probes from ``start``, before ``end``: each probe's together, in the order of time."""
        columns = (_RESULTS.c.ref, _RESULTS.c.at, _RESULTS.c.status, _RESULTS.c.perfdata)
        within = (_RESULTS.c.at >= start, _RESULTS.c.at < end)
        with self.database.reading() as connection:
            rows = connection.execute(select(*columns).where(*within).order_by(_RESULTS.c.ref, _RESULTS.c.at))
            return [tuple(row) for row in rows]

    def first_result(self) -> datetime | None:
        """When the oldest result was made that is still kept."""
        statement: Select[Any] = select(func.min(_RESULTS.c.at))
        with self.database.reading() as connection:
            found: datetime | None = connection.execute(statement).scalar()
            return found

    def result_at(self, ref: Ref, until: datetime) -> ProbeRecord | None:
        """The last result of a probe at or before a time."""
        asked = select(_RESULTS).where(_RESULTS.c.ref == str(ref), _RESULTS.c.at <= until)
        with self.database.reading() as connection:
            row = connection.execute(asked.order_by(_RESULTS.c.at.desc()).limit(1)).mappings().first()
        if row is None:
            return None
        return ProbeRecord(**{**row, "ref": ref, "perfdata": tuple(tuple(values) for values in row["perfdata"])})


def _record(row: RowMapping) -> UptimeRecord:
    points = tuple((int(second), str(status)) for second, status in row["points"])
    return UptimeRecord(**{**row, "points": points, "recomputations": tuple(row["recomputations"])})
