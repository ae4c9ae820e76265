"""Usage: accounting records, one per thing and month, rebuilt month by month."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import RowMapping, delete, insert, select

from reconciler.errors import RecordsError
from reconciler.model import Ref, UsageRecord
from reconciler.records.database import Database
from reconciler.records.tables import UsageRow, table

_USAGE = table(UsageRow)


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
                connection.execute(insert(_USAGE), [asdict(r) | {"ref": str(r.ref)} for r in records])

    def month(self, month: str, vo: str | None = None, site: str | None = None) -> tuple[UsageRecord, ...]:
        """The records of a month, of one VO, of one site, in a stable order."""
        statement = select(_USAGE).where(_USAGE.c.month == month).order_by(_USAGE.c.site, _USAGE.c.vo, _USAGE.c.record)
        if vo is not None:
            statement = statement.where(_USAGE.c.vo == vo)
        if site is not None:
            statement = statement.where(_USAGE.c.site == site)
        with self.database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(statement).mappings())

    def of(self, ref: Ref) -> tuple[UsageRecord, ...]:
        """All records of one resource, oldest month first."""
        statement = select(_USAGE).where(_USAGE.c.ref == str(ref)).order_by(_USAGE.c.month, _USAGE.c.record)
        with self.database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(statement).mappings())


def _record(row: RowMapping) -> UsageRecord:
    return UsageRecord(**{**row, "ref": Ref(row["ref"])})
