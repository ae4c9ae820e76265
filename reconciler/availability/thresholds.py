"""Thresholds on performance data: they put another status in place of what a check said.

Unlike a plugin's own, a status is raised when the value lies strictly *inside* the range, and the warning range is
looked at first: so is ARGO's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.availability.states import CRITICAL, WARNING, Operations

_NUMBER = r"-?\d+(?:\.\d+)?"
_UNIT = r"(?:us|ms|s|%|KB|MB|TB|B|c)?"
_RANGE = rf"@?(?:(?:~|{_NUMBER}):(?:{_NUMBER})?|{_NUMBER})"
_ONE = rf"[a-zA-Z]\w+={_NUMBER}{_UNIT}(?:;(?:{_RANGE})?){{0,2}}(?:;(?:{_NUMBER})?){{0,2}}"
_WHOLE = re.compile(rf"(?:{_ONE}(?:[;\s]+|$))+", re.ASCII)
_NEXT = re.compile(r"\s+|;+(?=\s*[A-Za-z])")
_VALUE = re.compile(rf"(?:'(?P<quoted>[^'=]+)'|(?P<plain>[^'=;\s]+))=(?P<value>{_NUMBER})\S*", re.ASCII)


class Range(NamedTuple):
    """An open interval; ``inverted``: all but it."""

    start: float
    end: float
    inverted: bool = False

    @classmethod
    def parse(cls, text: str) -> Range:
        """``10`` (0 to 10), ``10:``, ``~:20``, ``20:30``, ``@20:30``. Raises ValueError."""
        body = text.removeprefix("@")
        low, colon, high = body.rpartition(":")
        start = -math.inf if low == "~" else float(low or 0)
        end = float(high) if high else math.inf
        if not colon and not high:
            raise ValueError(f"{text!r} is not a range")
        return cls(start, end, text.startswith("@"))

    def holds(self, value: float) -> bool:
        """Whether the value raises a status."""
        return (self.start < value < self.end) != self.inverted


class Limit(NamedTuple):
    """When a value is worth which status."""

    label: str
    warning: Range | None = None
    critical: Range | None = None

    def raises(self, value: float) -> str:
        """The status that a value raises; "" for none."""
        if self.warning and self.warning.holds(value):
            return WARNING
        return CRITICAL if self.critical and self.critical.holds(value) else ""


def limits(expression: str) -> tuple[Limit, ...]:
    """``label=value[unit];warning;critical;min;max``, several apart by spaces or ``;``. Raises ValueError."""
    if not _WHOLE.fullmatch(expression.strip()):
        raise ValueError(f"Invalid threshold: {expression}")
    return tuple(_limit(part) for part in _NEXT.split(expression.strip()) if part.strip("; "))


def _limit(text: str) -> Limit:
    label, _, rest = text.partition("=")
    _, warning, critical, *_ = [*rest.split(";"), "", ""]
    return Limit(label.strip(), Range.parse(warning) if warning else None, Range.parse(critical) if critical else None)


def values(data: str) -> dict[str, float]:
    """What was measured, by label, from a plugin's performance data."""
    return {found["quoted"] or found["plain"]: float(found["value"]) for found in _VALUE.finditer(data)}


class ThresholdRule(NamedTuple):
    """Limits for a metric; at one host, in one group, or both, where they are given."""

    metric: str
    limits: tuple[Limit, ...]
    hostname: str = ""
    group: str = ""


@dataclass(frozen=True)
class Thresholds:
    """Rules of a report; the most specific one counts: (group, host), host, group, neither."""

    rules: tuple[ThresholdRule, ...] = ()

    def rule(self, group: str, hostname: str, metric: str) -> ThresholdRule | None:
        """The rule for a metric of a host in a group."""
        for asked in ((group, hostname), ("", hostname), (group, ""), ("", "")):
            for one in self.rules:
                if one.metric == metric and (one.group, one.hostname) == asked:
                    return one
        return None


NO_THRESHOLDS = Thresholds()


def raised(rule: ThresholdRule, data: str, operations: Operations) -> str:
    """The status that a sample's data has under a rule: the worst that any label raises; "" for none."""
    measured = values(data)
    return _worst(_raised(rule.limits, measured), operations)


def _raised(some: Iterable[Limit], measured: dict[str, float]) -> Iterator[str]:
    for limit in some:
        if limit.label in measured and (state := limit.raises(measured[limit.label])):
            yield state


def _worst(states: Iterable[str], operations: Operations) -> str:
    found = list(states)
    return operations.fold("AND", found) if found else ""
