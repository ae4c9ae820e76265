"""What APEL's loader asks of a record beyond the types of its fields. Raises ValueError with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from reconciler.exchange.apel.forms import BENCHMARKS, Form, Value

_AHEAD = timedelta(days=2)
"""So far into the future a job may end: clocks and time zones differ."""
_DECEMBER = 12


def check(form: Form, values: Mapping[str, Value], now: datetime) -> None:
    """Refuse what APEL would refuse."""
    if form.name == "job":
        _job(values, now)
    elif form.name in ("summary", "normalised"):
        _month(values, now)


def _job(values: Mapping[str, Value], now: datetime) -> None:
    start, end = values["StartTime"], values["EndTime"]
    assert isinstance(start, datetime)  # noqa: S101 (both are mandatory times)
    assert isinstance(end, datetime)  # noqa: S101
    if end < start:
        raise ValueError("EndTime is before StartTime")
    if end > now + _AHEAD:
        raise ValueError(f"EndTime {end:%Y-%m-%dT%H:%M:%SZ} is in the future")
    kind, level = values.get("ServiceLevelType"), values.get("ServiceLevel")
    if kind is None or level is None:
        raise ValueError("ServiceLevelType and ServiceLevel must both be given: without them nothing is loaded")
    if str(kind).lower() not in BENCHMARKS:
        raise ValueError(f"ServiceLevelType {kind} is none of {', '.join(BENCHMARKS)}")


def _month(values: Mapping[str, Value], now: datetime) -> None:
    year, month = _whole(values, "Year"), _whole(values, "Month")
    first, after = month_of(year, month)
    early, late = values.get("EarliestEndTime"), values.get("LatestEndTime")
    if isinstance(early, datetime) and isinstance(late, datetime):
        for name, moment in (("EarliestEndTime", early), ("LatestEndTime", late)):
            if not first <= moment <= after:
                raise ValueError(f"{name} is not in {year}-{month:02}")
        if early > late:
            raise ValueError("LatestEndTime is before EarliestEndTime")
    elif isinstance(early, datetime) and not first <= early <= after:
        raise ValueError(f"EarliestEndTime is not in {year}-{month:02}")
    if first > now:
        raise ValueError(f"{year}-{month:02} is in the future")
    for name in ("WallDuration", "CpuDuration", "NormalisedWallDuration", "NormalisedCpuDuration"):
        if name in values and _whole(values, name) < 0:
            raise ValueError(f"{name} is negative")


def month_of(year: int, month: int) -> tuple[datetime, datetime]:
    """Its first moment, and the first after it, UTC. Raises ValueError for what is no month."""
    if not 1 <= month <= _DECEMBER:
        raise ValueError(f"there is no month {month}")
    after = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
    return datetime(year, month, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)


def _whole(values: Mapping[str, Value], name: str) -> int:
    value = values[name]
    assert isinstance(value, int)  # noqa: S101 (read as one)
    return value
