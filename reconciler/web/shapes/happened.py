"""What happened, and what happens now: runs, events, what is under way."""

from __future__ import annotations

from datetime import datetime

from reconciler.web.shapes.base import Shape


class RunShape(Shape):
    """One reconcile."""

    id: str
    kind: str
    state: str
    """running, done, failed, blocked or interrupted."""
    commit: str
    plan_digest: str
    who: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]


class RunList(Shape):
    """A portion of runs, the latest first."""

    items: list[RunShape]
    next: str | None


class EventShape(Shape):
    """One change of the world or of the inventory, done or attempted."""

    id: int
    at: datetime
    run: str
    ref: str
    verb: str
    state: str
    """done, failed, unknown, or interrupted: begun by a run that was killed or broke off."""
    reason: str
    message: str
    target: str
    generation: int
    who: str
    commit: str
    seconds: float


class EventList(Shape):
    """A portion of events, the latest first."""

    items: list[EventShape]
    next: str | None


class MovingShape(Shape):
    """What is under way now."""

    ref: str
    verb: str
    target: str
    message: str
    started_at: datetime | None
    deadline: datetime | None
    bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_second: float | None = None
