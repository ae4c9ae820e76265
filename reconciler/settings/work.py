"""How hard and how often Hanse works: calls, reads, rounds, probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.model import SecretRef, Strict

_LEAST_DAYS = 62
"""This month and the last are computed anew whenever what they rest on changes."""


class ApplySettings(Strict):
    """How hard back ends are worked."""

    workers: Annotated[int, Field(ge=1, le=256)] = 8
    """Threads that call back ends."""
    concurrency: Annotated[int, Field(ge=1)] = 4
    """Calls under way at once on one target."""
    attempts: Annotated[int, Field(ge=1)] = 5
    """How often a transient failure is tried in one run."""
    first_delay_seconds: Annotated[float, Field(ge=0)] = 0.5
    """Wait before the second attempt; doubled each time, with jitter."""
    longest_delay_seconds: Annotated[float, Field(ge=0)] = 60.0
    """Longest wait between attempts."""
    breaker: Annotated[int, Field(ge=1)] = 8
    """Transient failures in a row after which a target is left alone until the next run."""


class ObserveSettings(Strict):
    """How patiently the world is read."""

    workers: Annotated[int, Field(ge=1, le=256)] = 8
    """Targets read at once."""
    deadline_seconds: Annotated[float, Field(gt=0)] = 60.0
    """A target that has not answered by then is unknown in this run."""


class RunSettings(Strict):
    """The loop of ``hanse run``."""

    interval_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Time between two reconciles when nothing happens."""
    elastic_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Time between two reconciles while something follows the world by itself, as workers follow their queue."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the interval that is added at random."""
    meter_seconds: Annotated[float, Field(ge=0)] = 300.0
    """Time between two looks at the machines of clusters, for accounting; 0: none."""
    jobs_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """Time between two readings of the jobs of sites' batch systems that [targets] says how to reach; 0: none."""
    availability_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """Time between two computations of today's availability; whole days follow shortly after midnight. 0: none."""
    lease_seconds: Annotated[float, Field(gt=0)] = 30.0
    """A reconciler that has not renewed its lease for this long is taken for dead."""
    quiet_seconds: Annotated[float, Field(ge=0)] = 0.4
    """Many web hooks, or changes of files, close together are one: so long nothing more must come."""
    longest_quiet_seconds: Annotated[float, Field(ge=0)] = 5.0
    """After so long they are one though more come."""
    retry_seconds: Annotated[float, Field(gt=0)] = 5.0
    """From the failure of an action, or of a reading, to the next try; doubled with each further failure."""
    longest_retry_seconds: Annotated[float, Field(gt=0)] = 900.0
    """Longest time between two tries."""
    stall_seconds: Annotated[float, Field(ge=0)] = 900.0
    """A round in which nothing has moved for so long is told as stalled: in the log with what every thread does, at
    ``/healthz``, and to systemd, which starts the service again. 0: never."""


def _long_enough(days: int) -> int:
    if days and days < _LEAST_DAYS:
        message = f"{days} days are too few for recomputations of last month; give {_LEAST_DAYS} or more, or 0 for all"
        raise ValueError(message)
    return days


class ProbeSettings(Strict):
    """How probes are run."""

    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Plugins that run at once."""
    keep_days: Annotated[int, AfterValidator(_long_enough)] = 0
    """After so many whole days, 62 at least, results are forgotten once their availability is computed: a recomputation
    reaches no further back then. Changes of state and availability stay. 0: all results are kept."""
    attributes: Mapping[str, str] = Field(default_factory=dict)
    """Values of attributes that metric templates ask for: ``VONAME = "ops"``."""
    secrets: Mapping[str, SecretRef] = Field(default_factory=dict)
    """Where secrets are found that metric templates ask for: ``ARGO_API_TOKEN = { env = "ARGO_API_TOKEN" }``."""
    ports: Mapping[str, str] = Field(default_factory=dict)
    """Ports in place of the usual ones: ``BDII_PORT = "2170"``."""
