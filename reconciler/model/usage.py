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
    """Stable name of what was used: a node's id, a replica's uid."""
    ref: Ref
    """The resource it belongs to."""
    vo: str
    site: str
    kind: str
    """``vm``, ``storage``, ``gpu``, ``ip``: which kind of resource was used."""
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
