"""Days and instants in manifests: ISO 8601 text, as YAML 1.2 gives it, or what a parser made of it already."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is not a day such as 2026-12-31"
        raise ValueError(message) from error


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is not a time such as 2026-12-31T18:00:00Z"
        raise ValueError(message) from error


def _utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        message = "the time must be given in UTC: 2026-12-31T18:00:00Z"
        raise ValueError(message)
    return value.astimezone(UTC)


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day, UTC."""
Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_utc)]
"""A point in time, UTC."""
