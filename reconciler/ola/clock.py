"""The clock of escalation: time that passes on working days, Monday to Friday, UTC. Weekends do not count."""

from __future__ import annotations

from datetime import datetime, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


def worked(start: datetime, end: datetime) -> timedelta:
    """How much of the time between lies on working days; nothing when ``end`` is not after ``start``."""
    total = timedelta()
    while start < end:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        part = min(midnight, end)
        if start.weekday() < _SATURDAY:
            total += part - start
        start = part
    return total


def later(start: datetime, wait: timedelta) -> datetime:
    """When so much time of working days has passed."""
    while True:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        if start.weekday() < _SATURDAY:
            if start + wait <= midnight:
                return start + wait
            wait -= midnight - start
        start = midnight
