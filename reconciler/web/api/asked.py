"""What may be asked of the API: the parameters of its queries, each with its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request

from reconciler.model import ConditionType

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_LONGEST = timedelta(days=400)
_CONDITIONS = "|".join(ConditionType)


class Wrong(Exception):
    """What was asked cannot be understood."""


def _day(given: Any) -> Any:
    """As 2026-10-12 and in no other way."""
    if isinstance(given, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise ValueError("a day is written 2026-10-12")
    return given


Day = Annotated[date, BeforeValidator(_day)]
Text = Annotated[str, Field(max_length=600, pattern=_PRINTABLE)]
Limit = Annotated[int, Field(ge=1, le=500)]
Serial = Annotated[str, Field(pattern=r"^[0-9]{0,15}$")]
Month = Annotated[str, Field(pattern=r"^([0-9]{4}-(0[1-9]|1[0-2]))?$")]


class Query(BaseModel):
    """Nothing may be asked besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OfResources(Query):
    """Which resources."""

    kind: Annotated[str, Field(pattern=r"^([A-Z][A-Za-z0-9]{0,60})?$")] = ""
    """Only of this kind."""
    namespace: Text = ""
    """Only in this namespace."""
    condition: Annotated[str, Field(pattern=rf"^(({_CONDITIONS}):(True|False|Unknown))?$")] = ""
    """Only those that have it: ``Ready:False``."""
    contains: Text = ""
    """Only those with this in their reference."""
    reason: Text = ""
    """Only those of which that condition, or else Ready, has this reason: ``TargetUnreachable``."""
    cursor: Text = ""
    """Where the portion before ended: its ``next``."""
    limit: Limit = 100
    """At most so many."""


class OfRuns(Query):
    """Which runs."""

    cursor: Text = ""
    """Where the portion before ended: its ``next``."""
    limit: Limit = 50
    """At most so many."""


class OfEvents(Query):
    """Which events."""

    resource: Text = ""
    """Only of this one: ``Kind/namespace/name``."""
    run: Text = ""
    """Only of this run."""
    cursor: Serial = ""
    """Where the portion before ended: its ``next``."""
    limit: Limit = 100
    """At most so many."""


class OfDays(Query):
    """Which days of availability."""

    report: Text = ""
    """Name of a Report; Default, or the only one."""
    site: Text = ""
    """Only of this site."""
    first: Day | None = None
    """From this day on; 30 days before the last."""
    last: Day | None = None
    """Up to this day; today."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.first and self.last and not timedelta() <= self.last - self.first <= _LONGEST:
            raise ValueError(f"last must follow first, by at most {_LONGEST.days} days")
        return self

    def span(self, today: date) -> tuple[date, date]:
        """The days that are meant. Raises Wrong when they are too many."""
        try:
            last = self.last or (min(today, self.first + timedelta(days=30)) if self.first else today)
            first = self.first or last - timedelta(days=30)
        except OverflowError as error:
            raise Wrong("there are no such days") from error
        if not timedelta() <= last - first <= _LONGEST:
            raise Wrong(f"last must follow first, by at most {_LONGEST.days} days")
        return first, last


class OfUsage(Query):
    """Which usage."""

    since: Month = ""
    """From this month on (2026-01); the same as ``month``."""
    month: Month = ""
    """Up to this month; the present one."""
    vo: Text = ""
    """Only of this VO."""
    site: Text = ""
    """Only at this site."""

    def months(self, today: date) -> list[str]:
        """The months that are meant. Raises Wrong when they are too many, or none."""
        last = self.month or f"{today:%Y-%m}"
        first = self.since or last
        (y, m), (y2, m2) = ((int(one[:4]), int(one[5:])) for one in (first, last))
        number = (y2 - y) * 12 + m2 - m
        if not 0 <= number < _MOST_MONTHS or y < 1:
            raise Wrong(f"from 1 to {_MOST_MONTHS} months, the first before the last")
        return [f"{y + (m - 1 + n) // 12:04}-{(m - 1 + n) % 12 + 1:02}" for n in range(number + 1)]


_MOST_MONTHS = 36
_Q = TypeVar("_Q", bound=Query)


def asked(request: Request, shape: type[_Q]) -> _Q:
    """What a request asks. Raises Wrong with every fault."""
    items = request.query_params.multi_items()
    given: Mapping[str, str] = dict(items)
    if len(given) < len(items):
        raise Wrong("each parameter once")
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'query'}: {one['msg']}" for one in error.errors()]
        raise Wrong("; ".join(faults)) from error
