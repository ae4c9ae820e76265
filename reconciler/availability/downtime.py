"""Downtimes over a timeline, to the second as ARGO lays them."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.availability.quirks import ARGO, Quirks
from reconciler.availability.timeline import DAY, Timeline

MINUTE = 60
_LAST = DAY - 1


class Downtime(NamedTuple):
    """A service at a host is down by intention; seconds relative to the day's 00:00, which may lie outside it."""

    service: str
    hostname: str
    start: int
    end: int
    scheduled: bool = True
    id: str = ""


def counts(downtime: Downtime, quirks: Quirks) -> bool:
    """Whether it excuses anything."""
    return downtime.scheduled or not quirks.unscheduled_counts


def overlaid(timeline: Timeline, start: int, end: int, state: str, now: int = DAY, quirks: Quirks = ARGO) -> Timeline:
    """The timeline with ``state`` in a downtime, as far as it has come by ``now``.

    Seconds relative to the day. The status that held at the end is back one minute after it; see Quirks for the rest.
    """
    if end < 0 or start > _LAST:
        return timeline
    start, end = max(start, 0), min(end, _LAST)
    points = dict(zip(timeline.times, timeline.states, strict=True))
    points |= {time: state for time in points if start <= time <= min(end, now)}
    if start <= now:
        points[start] = state
    back = end + MINUTE if quirks.downtime_minute_included else end
    hidden = end in timeline.times and quirks.sample_at_end_hides_return
    limit = _LAST if quirks.no_return_in_last_minute else DAY
    if end <= now and back < limit and not hidden:
        if quirks.return_overrules_samples or not any(end < time <= back for time in timeline.times):
            points[back] = timeline.at(end)
        elif quirks.downtime_minute_included:  # what was measured in the last minute waits for its end
            points = {time: one for time, one in points.items() if not end < time <= back}
            points[back] = timeline.at(back)
    return Timeline.of(points)
