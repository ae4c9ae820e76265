"""How everything stands, on one page."""

from __future__ import annotations

from datetime import datetime

from reconciler.web.shapes.base import Shape
from reconciler.web.shapes.happened import MovingShape, RunShape
from reconciler.web.shapes.people import PauseShape
from reconciler.web.shapes.plans import ActionShape
from reconciler.web.shapes.resources import ResourceShape


class UnreadShape(Shape):
    """A back end that could not be read."""

    target: str
    reason: str
    since: datetime


class StatusShape(Shape):
    """How everything stands."""

    counts: dict[str, dict[str, int]]
    """Kind -> status of Ready -> how many."""
    troubled: list[ResourceShape]
    """What is not ready, stalled or not healthy: at most 50."""
    troubles: int
    """How many there are."""
    blocked: list[ActionShape]
    """What waits for a person."""
    steps: list[str]
    """Commands that would allow or do it."""
    pauses: list[PauseShape]
    unread: list[UnreadShape]
    under_way: list[MovingShape]
    runs: list[RunShape]
    """The latest 5."""
    commit: str
    """What was planned last; "" before the first round."""
    summary: str
