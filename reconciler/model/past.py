"""What the records tell about places: how well sites keep up, how creates went there, and what failed where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Standing:
    """How a site stands. Shares are 0..1; None where nothing was measured."""

    availability: float | None = None
    """Share of the measured time in which all its probed services were up."""
    reliability: float | None = None
    """The same, scheduled downtimes left out."""
    measured_days: float = 0.0
    down: str = ""
    """Why nothing should be begun there now: a downtime, a probe that fails; "" when nothing is known against it."""
    until: datetime | None = None
    """When the downtime ends, if that is known."""


@dataclass(frozen=True, slots=True)
class Past:
    """How creates went on one target; each counts half as much for every ``HALF_LIFE`` that it is old."""

    succeeded: float = 0.0
    failed: float = 0.0
    seconds: float | None = None
    """Mean time until what was made was ready; None when nothing ever was."""
    last_failure: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A create that failed."""

    target: str
    at: datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class History:
    """Everything that the records tell about places."""

    sites: Mapping[str, Standing] = field(default_factory=dict)
    past: Mapping[str, Past] = field(default_factory=dict)
    attempts: Mapping[Ref, tuple[Attempt, ...]] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
