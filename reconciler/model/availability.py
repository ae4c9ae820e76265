"""What probes said over time: results, the state they add up to, and its changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reconciler.model.ref import Ref

ProbeStatus = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class ProbeState:
    """How a probe stands. ``status`` is what it said last; ``hard_status`` what it has said often enough."""

    ref: Ref
    status: ProbeStatus
    hard_status: ProbeStatus
    attempt: int
    """Results in a row that were not OK; 0 while it is OK."""
    since: datetime
    """When ``hard_status`` changed last."""
    checked_at: datetime
    summary: str = ""
    runs: int = 0
    """Results so far."""
    missed: int = 0
    """Runs that were due and never happened."""
    seconds: float = 0.0
    """How long the last run took."""
    late: float = 0.0
    """Seconds by which the last run began too late."""

    @property
    def soft(self) -> bool:
        """True while the last result is not (yet) the hard state."""
        return self.status != self.hard_status


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """One result, as it is kept. ``perfdata`` rows are those of ports.check.CheckResult."""

    ref: Ref
    at: datetime
    status: ProbeStatus
    summary: str
    perfdata: tuple[tuple[str, float, str, str, str, str, str], ...]
    seconds: float
    attempt: int
    hard: bool
    late: float = 0.0
    """Seconds by which the run began too late."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Runs of a probe that were due and never happened: nobody ran probes, or they could not keep up."""

    ref: Ref
    first: datetime
    """When the first of them was due."""
    last: datetime
    count: int


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A probe's state changed; ``hard`` when the change counts for availability."""

    ref: Ref
    at: datetime
    before: ProbeStatus
    after: ProbeStatus
    hard: bool
    summary: str = ""
