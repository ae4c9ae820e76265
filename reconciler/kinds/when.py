"""Days, instants and lifetimes in manifests: ISO 8601 text, as YAML 1.2 gives it or as a parser has read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reconciler.model.spec import Strict


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


class Lifetime(Strict):
    """How long something is wanted: for days, or until a time. Then it is taken away, as if its manifest were gone."""

    days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days from when it was made."""
    expires: Instant | None = None
    """UTC."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.days is None) == (self.expires is None):
            message = "give exactly one of days, expires"
            raise ValueError(message)
        return self

    def end(self, made: datetime | None) -> datetime | None:
        """When it ends for something made at ``made``; None when that cannot be said yet."""
        if self.days is not None:
            return made + timedelta(days=self.days) if made else None
        return self.expires
