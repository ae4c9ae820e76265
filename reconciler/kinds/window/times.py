"""When a window is open: a cron schedule in a time zone, and for how long each time. Pure.

Hours that a change of clocks skips or repeats are dealt with as Debian's cron does (cronsim).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_OVERLAPS = 2_000
"""Openings that run into each other before a window counts as never closed."""


class Times(NamedTuple):
    """A schedule with its duration."""

    schedule: str
    minutes: int
    timezone: str = "UTC"

    def at(self, now: datetime) -> tuple[bool, datetime | None]:
        """Whether it is open, and when that changes next (UTC); None when it never does."""
        lasts = timedelta(minutes=self.minutes)
        openings = CronSim(self.schedule, (now - lasts).astimezone(ZoneInfo(self.timezone)))
        first = next(openings).astimezone(UTC)
        if first > now:
            return False, first
        end = first + lasts
        for opening in islice(openings, _OVERLAPS):
            if opening.astimezone(UTC) > end:
                return True, end
            end = opening.astimezone(UTC) + lasts
        return True, None

    @property
    def ceaseless(self) -> bool:
        """Whether it opens again before it closes, always."""
        return self.at(next(CronSim(self.schedule, _SOME_DAY))) == (True, None)


def schedule(text: str) -> str:
    """The schedule as it is. Raises ValueError when it is none, or never comes."""
    try:
        next(CronSim(text, _SOME_DAY))
    except (CronSimError, StopIteration) as error:
        said = str(error) or "it never comes"
        message = f"{text!r} is no schedule: {said}; write minute hour day month weekday, such as 0 22 * * 1-5"
        raise ValueError(message) from error
    if len(text.split()) != 5:  # noqa: PLR2004
        message = f"{text!r} is no schedule of five fields: minute hour day month weekday"
        raise ValueError(message)
    return text


def zone(name: str) -> str:
    """The name of a time zone as it is. Raises ValueError when there is none of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        message = f"{name!r} is no time zone; write one such as Europe/Berlin, or UTC"
        raise ValueError(message) from error
    return name
