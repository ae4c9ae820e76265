"""Usage: accounting records, one per thing and month, rebuilt month by month."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import RowMapping, case, delete, func, insert, select, type_coerce

from reconciler.errors import RecordsError
from reconciler.model import Ref, UsageRecord
from reconciler.model.usage import JobSum
from reconciler.records.columns import Instant
from reconciler.records.database import Database
from reconciler.records.tables import UsageRow, table

_USAGE = table(UsageRow)
_FIELDS = tuple(field.name for field in fields(UsageRecord))
_VALUES = attrgetter(*_FIELDS)


@dataclass(frozen=True)
class Usage:
    """The usage records of one database."""

    database: Database

    def rebuild(
        self, month: str, records: Collection[UsageRecord], site: str | None = None, kind: str | None = None
    ) -> None:
        """Replace the whole month (of one site and one kind, if given) in one transaction.

        The same again changes nothing.

        A month is always replaced whole: a part of it would overwrite what was published before.
        """
        strange = [r for r in records if r.month != month or site not in (None, r.site) or kind not in (None, r.kind)]
        if strange:
            where = "".join(f" {word} {name}" for word, name in (("at", site), ("as", kind)) if name)
            raise RecordsError(f"usage record {strange[0].record} is not of {month}{where}")
        gone = delete(_USAGE).where(_USAGE.c.month == month)
        gone = gone if kind is None else gone.where(_USAGE.c.kind == kind)
        with self.database.writing() as connection:
            connection.execute(gone if site is None else gone.where(_USAGE.c.site == site))
            if records:
                connection.execute(insert(_USAGE), [dict(zip(_FIELDS, _VALUES(r), strict=True)) for r in records])

    def month(self, month: str, vo: str | None = None, site: str | None = None) -> tuple[UsageRecord, ...]:
        """The records of a month, of one VO, of one site, in a stable order."""
        statement = select(_USAGE).where(_USAGE.c.month == month).order_by(_USAGE.c.site, _USAGE.c.vo, _USAGE.c.record)
        if vo is not None:
            statement = statement.where(_USAGE.c.vo == vo)
        if site is not None:
            statement = statement.where(_USAGE.c.site == site)
        with self.database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(statement).mappings())

    def sums(self, month: str, site: str | None = None) -> tuple[JobSum, ...]:
        """The jobs of a month, of one site, added up by the database, in a stable order."""
        row = _USAGE.c
        who = (row.month, row.site, row.vo, row.user, row.cloud)
        alike = (*who, row.benchmark_type, row.benchmark, row.nodes, row.cpu_count)
        worked = [func.sum(case((one > 0, one), else_=0)) for one in (row.wall_seconds, row.cpu_seconds)]
        total = (func.count(), func.sum(row.wall_seconds), func.sum(row.cpu_seconds), *worked)
        ends = (type_coerce(func.min(row.end), Instant), type_coerce(func.max(row.end), Instant))
        more = (func.sum(row.wall_seconds * row.gpus), func.max(case((row.partial, 1), else_=0)))
        found = select(*alike, *total, *ends, *more).where(row.month == month, row.kind == "job")
        found = found if site is None else found.where(row.site == site)
        with self.database.reading() as connection:
            rows = connection.execute(found.group_by(*alike).order_by(*alike)).all()
        return tuple(_sum(told) for told in rows)

    def of(self, ref: Ref) -> tuple[UsageRecord, ...]:
        """All records of one resource, oldest month first."""
        statement = select(_USAGE).where(_USAGE.c.ref == str(ref)).order_by(_USAGE.c.month, _USAGE.c.record)
        with self.database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(statement).mappings())


def _record(row: RowMapping) -> UsageRecord:
    return UsageRecord(**{**row, "ref": Ref(row["ref"])})


def _sum(row: Any) -> JobSum:
    values = [*row[:9], *(int(number) for number in row[9:14]), *row[14:16], int(row[16]), bool(row[17])]
    return JobSum(*values)
