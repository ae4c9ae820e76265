"""Results of probes that are old enough to be forgotten: those of days that every report has computed whole."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, timedelta

from reconciler.records.store import Store
from reconciler.uptime.days import start_of

_DAY = timedelta(days=1)


def forget(store: Store, reports: Iterable[str], keep_days: int, today: date) -> int:
    """Forget results of more than ``keep_days`` whole days ago (0: none), day by day, and say how many.

    A day that some report has begun with and not computed whole is kept, and so is what comes after it.
    """
    oldest = store.uptime.first_result() if keep_days else None
    if oldest is None:
        return 0
    first, end = oldest.astimezone(UTC).date(), today - keep_days * _DAY
    end = min((_computed_until(store, report, first, end) for report in reports), default=first)
    days = (first + n * _DAY for n in range(1, (end - first).days + 1))
    return sum(store.probes.trim(start_of(day)) for day in days)


def _computed_until(store: Store, report: str, first: date, end: date) -> date:
    """The first day that is not computed whole, of those since the report began; ``end`` where all are."""
    kept = store.uptime.days(report, first, end - _DAY)
    begin = min(kept, default=end)
    days = (begin + n * _DAY for n in range((end - begin).days))
    return next((day for day in days if day not in kept or not kept[day].complete), end)
