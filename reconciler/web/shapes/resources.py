"""Resources: how they stand, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.web.shapes.base import Shape, Status
from reconciler.web.shapes.happened import EventShape
from reconciler.web.shapes.plans import ActionShape


class ConditionShape(Shape):
    """One condition of a resource."""

    type: str
    """Ready, Reconciling, Stalled, Healthy, InSync, Protected; of what is built in steps also Nodes, Configured ..."""
    status: Status
    reason: str
    """One word for programs."""
    message: str
    """For people."""
    since: datetime | None
    """When the status changed last."""
    observed_generation: int


class ResourceShape(Shape):
    """A resource and how it stands."""

    ref: str
    """``Kind/namespace/name``, or ``Kind/name``."""
    kind: str
    namespace: str | None
    name: str
    target: str
    """The back end it lives on; "" when it is not held."""
    generation: int
    """0 when it is not held."""
    uid: str
    """Its ownership mark; "" when it is not held."""
    conditions: list[ConditionShape]


class ResourceList(Shape):
    """A portion of resources."""

    items: list[ResourceShape]
    next: str | None
    """Give it as ``cursor`` for what follows; null at the end."""


class FindingShape(Shape):
    """One resource or back end on the way to a cause."""

    name: str
    well: bool
    needed: str
    """How the one above needs it."""
    said: list[str]
    below: list[FindingShape]


class ChoiceShape(Shape):
    """A choice that was made for a resource."""

    field: str
    chosen: list[str]
    reason: str
    runner_up: str
    rejected: list[tuple[str, str]]
    """(candidate, why not)."""


class EdgeShape(Shape):
    """A reference from one resource to another."""

    ref: str
    gate: str
    path: str
    """Where it stands in the manifest."""


class ResourceDetail(ResourceShape):
    """A resource with all that is known of it."""

    file: str
    """Where its manifest is; "" when git does not declare it."""
    commit: str
    """The commit that was planned last."""
    desired: dict[str, Any] | None
    """What git says, with choices made; null when it does not declare it."""
    outputs: dict[str, Any]
    needs: list[EdgeShape]
    needed_by: list[str]
    action: ActionShape | None
    """What the last round planned for it; null for nothing."""
    explanation: FindingShape | None
    """Why it is not ready; null until a round has planned."""
    causes: list[str]
    choices: list[ChoiceShape]
    events: list[EventShape]
    """The latest 20."""
