"""Availability of one thing on one day, as it is kept: its status through the day, and the numbers from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

UptimeLevel = Literal["group", "function", "service", "endpoint"]
"""``group`` is a site."""


@dataclass(frozen=True, slots=True)
class UptimeRecord:
    """One row of one report."""

    report: str
    day: date
    level: UptimeLevel
    site: str
    function: str
    service: str
    hostname: str
    ngi: str
    """The site's NGI, "" when it has none."""
    weight: float
    """Of the site in its NGI."""
    availability: float
    """Percent, -1 when undefined; so is ``reliability``."""
    reliability: float
    up: float
    """Fraction of the day; so are ``unknown`` and ``down``."""
    unknown: float
    down: float
    points: tuple[tuple[int, str], ...]
    """Change points: second of the day, status. Of a site that a recomputation excludes, as it was measured."""
    recomputations: tuple[str, ...]
    """The requests that had a part in it."""


@dataclass(frozen=True, slots=True)
class UptimeDay:
    """How one day of one report was computed."""

    report: str
    day: date
    basis: str
    """Digest of all it was computed from besides results."""
    commit: str
    """Where topology and profiles were taken from."""
    complete: bool
    """False: the day was not over."""
    computed_at: datetime
