"""PlacePolicy: by what places are judged, as values from hanse.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of a score weighs; a score is their weighted mean, 0..1."""

    data: float = 3.0
    """Data that is near already, in bytes, and the time in which the rest would come."""
    reliability: float = 2.0
    """How the site's probes stood."""
    room: float = 2.0
    """What stays free after placement."""
    success: float = 2.0
    """How creates went there."""
    price: float = 1.0
    """What its flavours cost."""
    boot: float = 1.0
    """How long it took until clusters were ready there."""


@dataclass(frozen=True, slots=True)
class PlacePolicy:
    """How places are chosen."""

    weights: Weights = field(default_factory=Weights)
    sites: int = 3
    """So many places are tried for one resource, one after the other, before it waits."""
    retry: timedelta = timedelta(hours=1)
    """A place where a create failed is not tried again for so long."""
    availability: float = 0.8
    """A site must have been available for this share of the time; the VO's own target there counts before it."""
    downtime: timedelta = timedelta(hours=24)
    """Nothing new is begun where an outage is declared that begins so soon."""
    bytes_per_second: float = 100e6
    """How fast data is assumed to come where it is not."""
    gain: float = 0.1
    """A move is proposed only for a score that is better by so much."""
