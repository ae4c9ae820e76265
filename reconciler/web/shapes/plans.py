"""What a round planned: actions, and the order they are done in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from reconciler.web.shapes.base import Shape, Status


class FieldShape(Shape):
    """One field that is to change, or that drifted."""

    path: str
    before: Any
    after: Any
    origin: Literal["intent", "drift"]
    """Whether git moved or the world did."""
    known: bool
    """False: ``after`` is told only once something else is built."""
    ignored: bool


class ActionShape(Shape):
    """What the last round planned to do to a resource, or why it does not."""

    verb: str
    ref: str
    reason: str
    target: str
    message: str
    blocked: str | None
    """What a person must lift."""
    waits_for: list[str]
    outcome: str
    """What became of it: done, failed, unknown or interrupted; "" while it has not ended."""
    changes: list[FieldShape]


class PlanShape(Shape):
    """What the last round planned."""

    commit: str
    digest: str
    summary: str
    unchanged: int
    unread: int
    unreachable: dict[str, str]
    """Back end -> why it could not be read."""
    warnings: list[str]
    strays: list[str]
    steps: list[str]
    """Commands that a person can give now."""
    at: datetime
    """When it was planned."""
    actions: list[ActionShape]


class NodeShape(Shape):
    """A resource in the graph."""

    ref: str
    wave: int
    """Counted from 1: what stands in one can be done at once when the waves before it are done."""
    ready: Status
    planned: str
    """What the last round planned: a verb, blocked, or unchanged."""


class LineShape(Shape):
    """``first`` comes before ``then``."""

    first: str
    then: str
    gate: str


class GraphShape(Shape):
    """Who needs whom."""

    commit: str
    nodes: list[NodeShape]
    edges: list[LineShape]
