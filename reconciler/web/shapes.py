"""What is shown, as types: the API answers them, pages tell them. Within a version fields only come."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, from_attributes=True)


Status = Literal["True", "False", "Unknown"]


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


class DayShape(Shape):
    """One site on one day."""

    site: str
    ngi: str
    day: date
    availability: float | None
    """Percent; null when it is not defined."""
    reliability: float | None
    up: float
    """Share of the day; so are the next two."""
    unknown: float
    down: float


class AvailabilityShape(Shape):
    """Days of sites in a report, as far as they were computed."""

    report: str
    first: date
    last: date
    items: list[DayShape]


class UsageShape(Shape):
    """What machines or jobs of a VO used at a site in a month."""

    month: str
    site: str
    vo: str
    kind: str
    """vm or job."""
    count: int
    wall_hours: float
    core_hours: float
    cpu_hours: float
    gpu_hours: float
    received_gb: float | None = None
    """Of the network; null where nobody counted."""
    sent_gb: float | None = None
    efficiency: float | None
    partial: bool
    """The month is not over."""


class UsageList(Shape):
    """Usage of some months."""

    items: list[UsageShape]


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


class PauseShape(Shape):
    """What is held back."""

    scope: str
    reason: str
    by: str
    since: datetime


class PauseList(Shape):
    """What is held back now."""

    items: list[PauseShape]


class ConsentShape(Shape):
    """Somebody's word for a part of a plan."""

    id: int
    plan: str
    """Digest of the plan that was looked at."""
    part: str
    by: str
    proof: str
    """oidc, signature, forge, token or machine."""
    identity: str
    issuer: str
    reason: str
    given_at: datetime
    expires: datetime | None


class WantedShape(Shape):
    """One change for which a word is asked."""

    ref: str
    what: str
    """What is done, or what the word is about: ``quota``."""
    why: str
    by: list[str]
    """Of whom one must agree."""
    given: str
    """Who agreed; "" while nobody did."""


class PartShape(Shape):
    """What of a plan needs the word of one authority."""

    name: str
    """``site:CESGA``."""
    digest: str
    """Of its changes: say it back as ``If-Match`` to agree to just these."""
    open: int
    """Changes for which nobody has given the word."""
    mine: bool
    """Whether whoever asks may agree to any of them."""
    wanted: list[WantedShape]
    consents: list[ConsentShape]
    """The words that count."""


class PartList(Shape):
    """The parts of a plan."""

    plan: str
    """Digest of the plan."""
    items: list[PartShape]


class WhoShape(Shape):
    """Who asks."""

    name: str
    proof: str
    """oidc or token."""
    identity: str
    issuer: str
    entitlements: list[str]
    """What his provider tells of his rights."""
    may: list[str]
    """What an API token was made for."""
    reads: bool
    """Whether he may look."""


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


class Problem(Shape):
    """A refusal (RFC 9457)."""

    type: str
    status: int
    title: str
    detail: str
