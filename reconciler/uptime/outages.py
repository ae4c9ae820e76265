"""Downtimes of a day: those that git tells of now, over the services that there were at the day's start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.availability import Downtime
from reconciler.kinds.downtime import Declarations, Interval, intervals
from reconciler.model import Ref, Resource

Resources = Mapping[Ref, Resource]
_DAY = timedelta(days=1)


@dataclass
class Outages:
    """Fills ``Asked.outages`` and ``Asked.told``."""

    now: Resources
    """As declared now."""
    declarations: Declarations
    topology: Callable[[datetime], Resources]
    """What was declared at a time."""
    moment: datetime
    """The present time: when what no commit has stated is declared."""
    _known: dict[datetime, list[Interval]] = field(default_factory=dict)

    def told(self, start: datetime) -> list[Interval]:
        """Every downtime that touches the day which begins at ``start``."""
        if start not in self._known:
            self._known[start] = self._told(start)
        return self._known[start]

    def outages(self, start: datetime) -> list[Downtime]:
        """Those of severity OUTAGE, each service at a host, in seconds from ``start``."""
        return [
            Downtime(one.type, one.hostname, *_seconds(one, start), one.classification == "SCHEDULED", one.id)
            for one in self.told(start)
            if one.severity == "OUTAGE"
        ]

    def _told(self, start: datetime) -> list[Interval]:
        reach = start, start + _DAY  # one that ends with the day before is none of this day's, as GOCDB answers ARGO
        mine = {
            ref: one
            for ref, one in self.now.items()
            if ref.kind == "Downtime" and one.spec.start < reach[1] and one.spec.end > reach[0]
        }
        if not mine:
            return []
        sites = {ref: one for ref, one in self.topology(start).items() if ref.kind == "Site"}
        return [one for one in intervals({**sites, **mine}, self.declarations, self.moment) if one.touches(*reach)]


def _seconds(one: Interval, start: datetime) -> tuple[int, int]:
    return int((one.start - start).total_seconds()), int((one.end - start).total_seconds())
