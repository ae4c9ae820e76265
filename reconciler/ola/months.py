"""Months of availability, from the rows that are kept: of sites, and of the endpoints of core services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from reconciler.kinds.report import Targets
from reconciler.ola.nouns import Measured
from reconciler.records.store import Store
from reconciler.uptime import SummaryRow, summaries

Key = tuple[str, str, str]
"""Site, service type and host; the latter two "" for the site as a whole."""


def month_days(month: str) -> tuple[date, date]:
    """First and last day of ``YYYY-MM``. Raises ValueError."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def month_before(month: str) -> str:
    """The month before."""
    return f"{month_days(month)[0] - timedelta(days=1):%Y-%m}"


def stored(store: Store, report: str, month: str, endpoints_of: Collection[str] = ()) -> Mapping[Key, Measured]:
    """What is kept of a month: every site, and the endpoints of the sites ``endpoints_of``."""
    first, last = month_days(month)
    rows = [*store.uptime.rows(report, first, last, ("group",))]
    for site in sorted(endpoints_of):
        rows += store.uptime.rows(report, first, last, ("endpoint",), site)
    return {(one.site, one.service, one.hostname): _measured(one) for one in summaries(rows, Targets())}


def _measured(row: SummaryRow) -> Measured:
    """ARGO's number for what was never known is 0; here it is undefined."""
    known, used = 1 - row.unknown, 1 - row.unknown - row.down
    return Measured(
        row.availability if known > _NOTHING else None,
        row.reliability if used > _NOTHING else None,
        row.unknown * 100,
        row.days,
        row.ngi,
    )


_NOTHING = 1e-9
