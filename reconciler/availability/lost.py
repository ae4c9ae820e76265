"""Where a site's minutes went: each stretch in which it was not up, down to the checks that made it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

from reconciler.availability.day import Day
from reconciler.availability.states import DOWNTIME, MISSING, UP
from reconciler.availability.timeline import DAY, Timeline

Cause = Literal["result", "missing", "downtime", "recomputation", "excluded"]


class Blame(NamedTuple):
    """What made it so: a metric's status since a time, or what was laid over an endpoint, a service, the site."""

    cause: Cause
    function: str = ""
    service: str = ""
    hostname: str = ""
    metric: str = ""
    status: str = ""
    since: int = 0
    """Second of the day from which the metric stood so; 0: from midnight, or from before."""


class Loss(NamedTuple):
    """A stretch of seconds in which the site was in a status that is not up, and why."""

    start: int
    end: int
    status: str
    blames: tuple[Blame, ...]

    @property
    def minutes(self) -> float:
        """How long, in minutes."""
        return (self.end - self.start) / 60


def losses(day: Day, group: str) -> tuple[Loss, ...]:
    """Every stretch of a site's day that was not up; neighbours of one status and one cause are one."""
    whole = day.counted.get(group, day.groups[group])
    below = _Below(day, group)
    found: list[Loss] = []
    for start, end in _stretches([whole, *below.timelines()]):
        status = whole.at(start)
        if status in UP:
            continue
        loss = Loss(start, end, status, tuple(below.blames(start, status)))
        if found and found[-1].end == start and found[-1][2:] == loss[2:]:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(loss)
    return tuple(found)


class _Below:
    """A site's functions, services, endpoints and metrics."""

    def __init__(self, day: Day, group: str) -> None:
        self._day, self._group = day, group
        self._functions = {f: one for (g, f), one in day.functions.items() if g == group}
        self._services = {s: one for (g, s), one in day.services.items() if g == group}
        self._endpoints = {(s, h): one for (g, s, h), one in day.endpoints.items() if g == group}
        self._metrics = {(s, h, m): one for (g, s, h, m), one in day.metrics.items() if g == group}

    def timelines(self) -> Iterator[Timeline]:
        """All of them."""
        yield from self._functions.values()
        yield from self._services.values()
        yield from self._endpoints.values()
        yield from self._metrics.values()

    def blames(self, second: int, status: str) -> Iterator[Blame]:
        """Why the site has a status: down along those that have it too, or where none has, along all not up."""
        if self._group in self._day.counted and self._day.groups[self._group].at(second) != status:
            yield Blame("excluded", status=status)
            return
        functions = _guilty(self._functions, second, status)
        if not functions:
            yield Blame("recomputation", status=status)
        for function in functions:
            here = {s: one for s, one in self._services.items() if self._day.functions_of[s] == function}
            for service in _guilty(here, second, self._functions[function].at(second)):
                yield from self._of_service(function, service, second)

    def _of_service(self, function: str, service: str, second: int) -> Iterator[Blame]:
        status = self._services[service].at(second)
        here = {h: one for (s, h), one in self._endpoints.items() if s == service}
        guilty = _guilty(here, second, status)
        if not guilty:
            yield Blame("recomputation", function, service, status=status)
        for hostname in guilty:
            yield from self._of_endpoint(function, service, hostname, second)

    def _of_endpoint(self, function: str, service: str, hostname: str, second: int) -> Iterator[Blame]:
        status = self._endpoints[service, hostname].at(second)
        here = {m: one for (s, h, m), one in self._metrics.items() if (s, h) == (service, hostname)}
        guilty = [m for m, one in here.items() if one.at(second) == status]
        if not guilty:
            laid: Cause = "downtime" if status == DOWNTIME else "recomputation"
            yield Blame(laid, function, service, hostname, status=status)
        for metric in guilty:
            cause: Cause = "missing" if status == MISSING else "result"
            since = next(start for start, end, _ in here[metric].intervals() if start <= second < end)
            yield Blame(cause, function, service, hostname, metric, status, since)


def _guilty(some: Mapping[str, Timeline], second: int, status: str) -> list[str]:
    same = [name for name, one in some.items() if one.at(second) == status]
    return same or [name for name, one in some.items() if one.at(second) not in UP]


def _stretches(timelines: Iterable[Timeline]) -> Iterator[tuple[int, int]]:
    """Every stretch in which nothing changes."""
    times = sorted({time for one in timelines for time in one.times})
    yield from pairwise((*times, DAY))
