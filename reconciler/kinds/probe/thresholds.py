"""Thresholds on performance data: ranges as plugins write them, and what a result is worth under them.

A range is ``[@]start:end``: the value alerts when it is outside, with ``@`` when it is inside. ``start:`` has no end,
``~:end`` no start, and ``end`` alone starts at 0 (Monitoring Plugins Development Guidelines, threshold format).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from reconciler.model import Strict
from reconciler.ports import CheckResult, CheckStatus

_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_RANGE = re.compile(rf"(?P<inside>@)?(?:(?P<start>~|{_NUMBER})?:)?(?P<end>{_NUMBER})?")
_GRAVITY: dict[CheckStatus, int] = {"OK": 0, "UNKNOWN": 1, "WARNING": 2, "CRITICAL": 3}


class Range(NamedTuple):
    """An interval, both ends included."""

    start: float
    end: float
    inside: bool
    """True: a value inside alerts; False: a value outside does."""

    def alerts(self, value: float) -> bool:
        """Whether the value is one to be told about."""
        return (self.start <= value <= self.end) == self.inside


def parse_range(text: str) -> Range:
    """The range that ``text`` writes. Raises ValueError."""
    found = _RANGE.fullmatch(text)
    if not found or text in ("", "@", ":", "@:"):
        message = f"{text!r} is no range: write end, start:end, start:, ~:end, or one of them after @"
        raise ValueError(message)
    start = -math.inf if found["start"] == "~" else float(found["start"] or 0)
    end = float(found["end"]) if found["end"] else math.inf
    if start > end:
        message = f"{text!r} ends before it starts"
        raise ValueError(message)
    return Range(start, end, inside=bool(found["inside"]))


def _range(value: str | float) -> str | float:
    parse_range(as_text(value))
    return value


def as_text(value: str | float) -> str:
    """A range as text; a number alone is the end of a range that starts at 0."""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return str(value)


Threshold = Annotated[str | int | float, AfterValidator(_range)]


class Limits(Strict):
    """When a measured value is a warning, and when it is critical, in the unit that the plugin prints."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    """Label of the performance data: ``time``."""
    warning: Threshold | None = None
    """Range, as plugins write it: ``2``, ``10:``, ``~:5``, ``@10:20``."""
    critical: Threshold | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.warning is None and self.critical is None:
            message = "give warning, critical, or both"
            raise ValueError(message)
        return self

    def status(self, value: float) -> CheckStatus:
        """What the value is worth."""
        if self.critical is not None and parse_range(as_text(self.critical)).alerts(value):
            return "CRITICAL"
        if self.warning is not None and parse_range(as_text(self.warning)).alerts(value):
            return "WARNING"
        return "OK"


def graded(result: CheckResult, thresholds: Sequence[Limits]) -> CheckResult:
    """The result under our own thresholds, which can make it worse and never better.

    A value that the plugin did not print makes an OK result UNKNOWN: what was to be watched was not measured.
    """
    values = {row[0]: (row[1], row[2]) for row in result.perfdata}
    for limits in thresholds:
        if limits.label not in values:
            result = _worse(result, "UNKNOWN", f"{limits.label} was not measured")
            continue
        value, unit = values[limits.label]
        status = limits.status(value)
        bound = limits.critical if status == "CRITICAL" else limits.warning
        result = _worse(result, status, f"{limits.label} is {value:g}{unit}, {status.lower()} by {bound}")
    return result


def _worse(result: CheckResult, status: CheckStatus, why: str) -> CheckResult:
    if _GRAVITY[status] <= _GRAVITY[result.status]:
        return result
    return replace(result, status=status, summary=f"{why} ({result.summary})" if result.summary else why)
