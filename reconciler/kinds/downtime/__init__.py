"""Downtime: services or whole sites that are down, or at risk, for a time. One file each, declared by its commit.

Whether it was scheduled, and its id, are computed from git: SCHEDULED is what begins more than 24 hours after the
commit that stated it. Only scheduled outages excuse a service in reports of availability. What has begun is never
taken away: it is closed by an earlier end.
"""

from reconciler.kinds.base import Stated
from reconciler.kinds.downtime.ahead import outages
from reconciler.kinds.downtime.classes import classification, stretches
from reconciler.kinds.downtime.intervals import Declarations, Interval, intervals, whole_sites
from reconciler.kinds.downtime.kind import DowntimeKind
from reconciler.kinds.downtime.spec import Affected, DowntimeSpec, SiteSelector

KIND = DowntimeKind()

__all__ = [
    "KIND",
    "Affected",
    "Declarations",
    "DowntimeKind",
    "DowntimeSpec",
    "Interval",
    "SiteSelector",
    "Stated",
    "classification",
    "intervals",
    "outages",
    "stretches",
    "whole_sites",
]
