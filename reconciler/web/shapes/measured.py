"""How available sites were, and what was used."""

from __future__ import annotations

from datetime import date

from reconciler.web.shapes.base import Shape


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
