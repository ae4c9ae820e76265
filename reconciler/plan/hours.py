"""Core hours that some cores take from now on, as a forecast."""

from __future__ import annotations

from datetime import datetime

_HOUR = 3600.0


def hours(cores: int, now: datetime, until: datetime | None, ends: datetime | None) -> float:
    """Hours of ``cores`` until the time that is reckoned with, or until they end if that is earlier; 0 without one."""
    last = min((at for at in (until, ends) if at is not None), default=None)
    return cores * max(0.0, (last - now).total_seconds()) / _HOUR if last and until else 0.0
