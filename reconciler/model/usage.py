"""UsageRecord: what one machine or file used in one month, in the terms of the accounting that sites publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.ref import Ref


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One thing in one month. ``month`` is ``YYYY-MM`` (UTC); (month, record) names it, so a month can be rebuilt."""

    month: str
    record: str
    """Stable name of what was used: a node's id, a replica's uid, a job's cluster, id and end."""
    ref: Ref
    """The resource it belongs to."""
    vo: str
    site: str
    kind: str
    """``vm``, ``job``, ``storage``, ``gpu``, ``ip``: which kind of resource was used."""
    start: datetime
    end: datetime | None
    """None while it goes on."""
    status: str = "started"
    """The site's word: started, completed, suspended ..."""
    wall_seconds: int = 0
    """In this month."""
    cpu_seconds: int = 0
    cpu_count: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    image: str = ""
    cloud: str = ""
    """The site's cloud or storage, as its manifest names it."""
    name: str = ""
    """What people call it: the machine's name, the job's queue."""
    user: str = ""
    """Who used it, as the back end names them; "" when it was used for the VO as a whole."""
    user_name: str = ""
    """What the cloud calls that user; "" where names are not told."""
    suspend_seconds: int = 0
    """In this month: it was there and did not run."""
    total_wall_seconds: int = 0
    """Since its start, until the end of this month."""
    total_cpu_seconds: int = 0
    total_suspend_seconds: int = 0
    gpus: int = 0
    public_ips: int = 0
    nodes: int = 1
    """Machines that a job ran on."""
    benchmark_type: str = ""
    """``hepscore23``, ``hepspec`` or ``si2k``; "" where nobody measured the machines."""
    benchmark: float = 0.0
    """Of one core."""
    partial: bool = False
    """The month was not over when this was written."""
    received_bytes: int | None = None
    """Of the network, in this month; None where nobody counted."""
    sent_bytes: int | None = None
    total_received_bytes: int | None = None
    """Since its start, until the end of this month."""
    total_sent_bytes: int | None = None

    @property
    def known_as(self) -> str:
        """Name of the user, or else the identifier."""
        return self.user_name or self.user


@dataclass(frozen=True, slots=True)
class JobSum:
    """Jobs of a month that are alike in who ran them, where, how large they were and what their cores are worth."""

    month: str
    site: str
    vo: str
    user: str
    cluster: str
    benchmark_type: str
    benchmark: float
    nodes: int
    cpu_count: int
    jobs: int
    wall_seconds: int
    cpu_seconds: int
    worked_wall_seconds: int
    """Without durations below nothing, which work is not counted from."""
    worked_cpu_seconds: int
    earliest_end: datetime | None
    latest_end: datetime | None
    gpu_seconds: int = 0
    partial: bool = False
    """The month was not over when one of them was written."""

    @property
    def known_as(self) -> str:
        """As of a record."""
        return self.user

    @property
    def kind(self) -> str:
        """As of a record."""
        return "job"
