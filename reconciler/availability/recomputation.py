"""Recomputations: what a review has found to be measured wrongly, and what shall stand in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from reconciler.availability.states import EXCLUDED, UNKNOWN
from reconciler.availability.timeline import DAY, Timeline

Level = Literal["metric", "endpoint", "service", "group"]


class Selector(NamedTuple):
    """Everything that fits all keys given; "" fits anything."""

    group: str = ""
    service: str = ""
    hostname: str = ""
    metric: str = ""

    @property
    def level(self) -> Level:
        """Where it acts: at the most specific key that is given."""
        if self.metric:
            return "metric"
        if self.hostname:
            return "endpoint"
        return "service" if self.service else "group"

    def fits(self, group: str, service: str = "", hostname: str = "", metric: str = "") -> bool:
        """Whether it is about that."""
        about = (group, service, hostname, metric)
        return all(not asked or asked == is_ for asked, is_ in zip(self, about, strict=True))

    @property
    def keys(self) -> int:
        """How many keys are given."""
        return sum(map(bool, self))


class StatusChange(NamedTuple):
    """What is selected had this status."""

    selector: Selector
    state: str


class Excluded(NamedTuple):
    """What one monitoring host said does not count; seconds relative to the day, both ends included."""

    monitor: str
    start: int
    end: int


@dataclass(frozen=True)
class Recomputation:
    """One request; seconds relative to the day's 00:00, which may lie outside it."""

    id: str
    start: int
    end: int
    exclude: frozenset[str] = frozenset()
    """Groups that are UNKNOWN meanwhile, for availability and reliability alone."""
    exclude_metrics: tuple[Selector, ...] = ()
    exclude_monitors: tuple[Excluded, ...] = ()
    changes: tuple[StatusChange, ...] = ()

    @property
    def touches(self) -> bool:
        """Whether any of it lies in the day."""
        period = self.start < DAY and self.end >= 0 and self.end >= self.start
        return period or any(one.start < DAY and one.end >= -DAY for one in self.exclude_monitors)


class Rewriting:
    """All recomputations of a day, ready to be applied; remembers which were used for which group."""

    def __init__(self, recomputations: Iterable[Recomputation]) -> None:
        self.asked = tuple(one for one in recomputations if one.touches)
        found = [(r, change) for r in self.asked for change in _changes(r)]
        found.sort(key=lambda one: one[1].selector.keys)  # the most specific comes last, and wins
        self._levels: dict[Level, list[tuple[Recomputation, StatusChange]]] = {}
        for one in found:
            self._levels.setdefault(one[1].selector.level, []).append(one)
        self.used: dict[str, set[str]] = {}

    @property
    def hidden(self) -> tuple[Excluded, ...]:
        """Monitoring hosts that do not count, and when."""
        return tuple(one for r in self.asked for one in r.exclude_monitors)

    def applied(self, timeline: Timeline, level: Level, *about: str) -> Timeline:
        """The timeline of (group, service, host, metric), as far as given, with every change at its level."""
        for recomputation, change in self._levels.get(level, ()):
            if change.selector.fits(*about):
                timeline = timeline.replaced(recomputation.start, recomputation.end, change.state)
                self.used.setdefault(about[0], set()).add(recomputation.id)
        return timeline

    def counted(self, timeline: Timeline, group: str) -> Timeline:
        """The timeline that availability is computed from: UNKNOWN while its group is excluded."""
        for one in self.asked:
            if group in one.exclude:
                timeline = timeline.replaced(one.start, one.end, UNKNOWN)
                self.used.setdefault(group, set()).add(one.id)
        return timeline


def _changes(recomputation: Recomputation) -> Iterator[StatusChange]:
    yield from (StatusChange(selector, EXCLUDED) for selector in recomputation.exclude_metrics)
    yield from recomputation.changes
