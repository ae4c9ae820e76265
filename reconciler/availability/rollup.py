"""Longer than a day: means of fractions, never of percentages; and NGIs, weighted by what their sites have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.availability.numbers import Numbers

_WHOLE = 1.00000001
"""ARGO's 1: a denominator that is never 0, so that a perfect month has 99.999999 %."""
NOTHING = math.nan


class Mean(NamedTuple):
    """A month, or any range of days. Percentages are not a number where no day has any."""

    availability: float
    reliability: float
    up: float = NOTHING
    unknown: float = NOTHING
    down: float = NOTHING
    days: int = 0
    """Days that had numbers."""


def mean(days: Iterable[Numbers]) -> Mean | None:
    """Of a site, a service or an endpoint, over the days that have a row; None without any."""
    rows = list(days)
    if not rows:
        return None
    up, unknown, down = (sum(part) / len(rows) for part in zip(*(row[2:] for row in rows), strict=True))
    known = _WHOLE - unknown
    return Mean(up / known * 100, up / (known - down) * 100, up, unknown, down, len(rows))


def supergroup(sites: Iterable[tuple[Numbers, float]]) -> Mean:
    """An NGI on one day, from its sites and their weights; undefined numbers are left out, each kind by itself.

    A weight counts one more than it is, so that sites of weight 0 count too.
    """
    rows = [(row, weight + 1) for row, weight in sites]
    return Mean(
        _weighted((row.availability, weight) for row, weight in rows),
        _weighted((row.reliability, weight) for row, weight in rows),
        days=1,
    )


def supergroup_mean(days: Iterable[Mean]) -> Mean:
    """An NGI over several days: plain means of the days' percentages, without those that are not a number."""
    rows = list(days)
    return Mean(_plain(row.availability for row in rows), _plain(row.reliability for row in rows), days=len(rows))


def _weighted(values: Iterable[tuple[float, float]]) -> float:
    known = [(value, weight) for value, weight in values if value >= 0]
    whole = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / whole if whole else NOTHING


def _plain(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else NOTHING
