"""What counts when a place is chosen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model import Strict


class WeightSettings(Strict):
    """What each part of a place's score weighs."""

    data: Annotated[float, Field(ge=0)] = 3.0
    """Data that is near already, and the time in which the rest would come."""
    reliability: Annotated[float, Field(ge=0)] = 2.0
    """How the site's probes stood over the last 30 days."""
    room: Annotated[float, Field(ge=0)] = 2.0
    """What stays free of the quota after placement."""
    success: Annotated[float, Field(ge=0)] = 2.0
    """How creates went there; what is a week old counts half."""
    price: Annotated[float, Field(ge=0)] = 1.0
    """What the flavours cost, where the cloud says so."""
    boot: Annotated[float, Field(ge=0)] = 1.0
    """How long it took until clusters were ready there."""


class PlaceSettings(Strict):
    """How places are chosen for what leaves them open."""

    weights: WeightSettings = WeightSettings()
    """A score is the weighted mean of its parts."""
    sites: Annotated[int, Field(ge=1)] = 3
    """So many places are tried for one resource, one after the other, before it waits."""
    retry_hours: Annotated[float, Field(gt=0)] = 1.0
    """A place where a create failed is not tried again for so long."""
    availability_percent: Annotated[float, Field(ge=0, le=100)] = 80.0
    """A site must have been available for so much of the last 30 days, unless the VO has a target of its own there.
    (80 is what EGI agrees with its sites.)"""
    downtime_hours: Annotated[float, Field(ge=0)] = 24.0
    """Nothing new is begun where a Downtime declares an outage that stands, or begins within so many hours."""
    megabytes_per_second: Annotated[float, Field(gt=0)] = 100.0
    """How fast data is assumed to come to where it is not."""
    rebalance_gain: Annotated[float, Field(ge=0, le=1)] = 0.1
    """``hanse place --rebalance`` proposes a move only for a score that is better by so much."""
