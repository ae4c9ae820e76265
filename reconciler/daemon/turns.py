"""Turns: when a probe is due, which of its turns were missed, and how those that are overdue are spread.

Every probe has its own place in its interval, computed from its name, so that thousands of probes are spread evenly,
keep their rhythm over restarts, and nobody has to remember a schedule. What the records know of the last run is enough.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.model import Gap, ProbeState, Ref

PER_SECOND = 10.0
"""So many overdue probes are begun in a second, and no more."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The last run of a probe."""

    at: datetime
    soft: bool = False
    """It said something bad that does not count yet: the next run comes sooner."""

    @classmethod
    def of(cls, state: ProbeState) -> Ran:
        """What the records say of it."""
        return cls(state.checked_at, state.soft)


def place(ref: Ref) -> float:
    """Where in its interval a probe stands, 0 to 1."""
    return int.from_bytes(hashlib.sha256(ref.encode()).digest()[:6], "big") / 2**48


def next_run(ref: Ref, interval: int, last: Ran | None, now: datetime, retry: int | None = None) -> datetime:
    """When a probe is due: at its place in each interval, after ``retry`` (seconds) while a fault is soft.

    At once when it has never run.
    """
    if last is None or last.at > now + timedelta(seconds=interval):  # the clock was put back
        return now
    turn = _turn(ref, interval, _number(ref, interval, last.at) + 1)
    return min(turn, last.at + timedelta(seconds=retry)) if last.soft and retry else turn


def late(ref: Ref, interval: int, due: datetime, now: datetime) -> float:
    """Seconds by which a run that begins now is late: after its latest turn, or after it was due otherwise."""
    latest = _turn(ref, interval, _number(ref, interval, now))
    return max(0.0, (now - max(due, min(latest, now))).total_seconds())


def missed(ref: Ref, interval: int, last: Ran | None, now: datetime) -> Gap | None:
    """The turns since the last run that never were; the latest is the one that is run now, late or not."""
    if last is None:
        return None
    first, latest = _number(ref, interval, last.at) + 1, _number(ref, interval, now)
    count = latest - first
    return Gap(ref, _turn(ref, interval, first), _turn(ref, interval, latest - 1), count) if count > 0 else None


def spread(ref: Ref, interval: int, number: int, per_second: float = PER_SECOND) -> timedelta:
    """How long an overdue probe waits when ``number`` are overdue at once, as they are after a restart."""
    return timedelta(seconds=place(ref) * min(interval, (number - 1) / per_second))


def _number(ref: Ref, interval: int, moment: datetime) -> int:
    """The number of the latest turn that is not after ``moment``."""
    return math.floor((moment.timestamp() - _offset(ref, interval)) / interval + 1e-9)


def _turn(ref: Ref, interval: int, number: int) -> datetime:
    return datetime.fromtimestamp(number * interval + _offset(ref, interval), UTC)


def _offset(ref: Ref, interval: int) -> float:
    return math.floor(place(ref) * interval * 1000) / 1000
