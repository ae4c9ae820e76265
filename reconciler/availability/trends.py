"""Trends: how often something changed, how long it stood in each status, and how often it came there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.availability.timeline import DAY, Timeline

_MINUTE = 60
_TO_MIDNIGHT = DAY + _MINUTE - 1
"""ARGO counts the last stretch to one minute after 23:59:59, and whole minutes of each: midnight, rounded up."""


class Trend(NamedTuple):
    """One status of one item: whole minutes, and how often it began."""

    status: str
    minutes: int
    occurrences: int


def trends(timeline: Timeline) -> tuple[Trend, ...]:
    """The statuses of one day, the longest first."""
    minutes: dict[str, int] = {}
    times: dict[str, int] = {}
    for start, end, state in timeline.intervals():
        until = _TO_MIDNIGHT if end == DAY else end
        minutes[state] = minutes.get(state, 0) + (until - start) // _MINUTE
        times[state] = times.get(state, 0) + 1
    return _sorted(Trend(state, minutes[state], times[state]) for state in minutes)


def summed(days: Iterable[Iterable[Trend]]) -> tuple[Trend, ...]:
    """The same over several days."""
    found: dict[str, Trend] = {}
    for trend in (one for day in days for one in day):
        was = found.get(trend.status, Trend(trend.status, 0, 0))
        found[trend.status] = Trend(trend.status, was.minutes + trend.minutes, was.occurrences + trend.occurrences)
    return _sorted(found.values())


def _sorted(found: Iterable[Trend]) -> tuple[Trend, ...]:
    return tuple(sorted(found, key=lambda one: (-one.minutes, one.status)))
