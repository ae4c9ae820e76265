"""Samples: what a check said of one metric of one service at one host, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from reconciler.availability.timeline import DAY, Timeline


class Sample(NamedTuple):
    """One result. ``second`` is relative to the day's 00:00 UTC; the day before is negative."""

    second: int
    status: str
    monitor: str = ""
    """The monitoring host that looked."""
    data: str = ""
    """Performance data, for thresholds."""


class Series(NamedTuple):
    """All samples of one metric of one service at one host; in the order of time if it is to be quick."""

    service: str
    hostname: str
    metric: str
    samples: Sequence[Sample]


def without(samples: Sequence[Sample], hidden: Collection[tuple[str, int, int]]) -> Sequence[Sample]:
    """Samples but those of (monitoring host, start, end), both included."""
    if not hidden:
        return samples
    return [s for s in samples if not any(s.monitor == m and start <= s.second <= end for m, start, end in hidden)]


def timeline_of(samples: Sequence[Sample], missing: str) -> Timeline | None:
    """A day's timeline: it starts with the last status of the day before, or ``missing``. None without any sample.

    Of two samples of one second the later given counts.
    """
    times, states = [0], [missing]
    state, latest, seen = missing, samples[0].second - 1 if samples else 0, False
    for second, status, _, _ in samples:
        if second <= latest:
            return _unordered(samples, missing)
        latest = second
        if not -DAY <= second < DAY:
            continue
        seen = True
        if status == state:
            continue
        state = status
        if second <= 0:
            states[0] = status
        else:
            times.append(second)
            states.append(status)
    return Timeline(tuple(times), tuple(states)) if seen else None


def _unordered(samples: Sequence[Sample], missing: str) -> Timeline | None:
    """The same of samples in any order."""
    before: tuple[int, str] | None = None
    points: dict[int, str] = {}
    for second, status, _, _ in samples:
        if 0 <= second < DAY:
            points[second] = status
        elif -DAY <= second < 0 and (before is None or second >= before[0]):
            before = second, status
    if not points and before is None:
        return None
    points.setdefault(0, before[1] if before else missing)
    return Timeline.of(points)
