"""Every endpoint of the API with what it asks and what it answers: the one list behind the routes and the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from reconciler.model import Ref
from reconciler.records.listing import Wanted
from reconciler.web import seen, shapes
from reconciler.web.api.asked import OfDays, OfEvents, OfResources, OfRuns, OfUsage, Query
from reconciler.web.shapes import Shape
from reconciler.web.sight import Sight

BASE = "/api/v1"
NOT_YET = "nothing was planned yet: the loop has not ended its first round"


class Missing(Exception):
    """There is no such thing."""


class NotYet(Exception):
    """There will be, once the loop has planned."""


Tell = Callable[[Sight, Any, Mapping[str, str]], Shape]


@dataclass(frozen=True)
class Endpoint:
    """One thing that can be asked for."""

    path: str
    about: str
    answers: type[Shape]
    tell: Tell
    asks: type[Query] = Query
    may_miss: bool = False
    """Whether there may be no such thing."""
    may_wait: bool = False
    """Whether it is known only once the loop has planned."""


def _status(sight: Sight, _query: Query, _path: Mapping[str, str]) -> Shape:
    return seen.status(sight)


def _resources(sight: Sight, query: OfResources, _path: Mapping[str, str]) -> Shape:
    kind, _, status = query.condition.partition(":")
    wanted = Wanted(query.kind, query.namespace, (kind, status) if kind else None, query.contains, query.reason)
    return seen.resources(sight, wanted, query.cursor, query.limit)


def _resource(sight: Sight, _query: Query, path: Mapping[str, str]) -> Shape:
    ref = Ref.of(path["kind"], path["name"], path.get("namespace"))
    found = None if "\0" in ref else seen.resource(sight, ref)
    if found is None:
        raise Missing(f"nothing is known of {ref}")
    return found


def _plan(sight: Sight, _query: Query, _path: Mapping[str, str]) -> Shape:
    found = seen.plan(sight)
    if found is None:
        raise NotYet(NOT_YET)
    return found


def _runs(sight: Sight, query: OfRuns, _path: Mapping[str, str]) -> Shape:
    return seen.runs(sight, query.cursor, query.limit)


def _run(sight: Sight, _query: Query, path: Mapping[str, str]) -> Shape:
    found = None if "\0" in path["run"] else sight.store.runs.get(path["run"])
    if found is None:
        raise Missing(f"there is no run {path['run']}")
    return seen.run_shape(found)


def _events(sight: Sight, query: OfEvents, _path: Mapping[str, str]) -> Shape:
    before = int(query.cursor) if query.cursor else None
    return seen.events(sight, before, query.limit, query.resource, query.run)


def _graph(sight: Sight, _query: Query, _path: Mapping[str, str]) -> Shape:
    found = seen.graph(sight)
    if found is None:
        raise NotYet(NOT_YET)
    return found


def _availability(sight: Sight, query: OfDays, _path: Mapping[str, str]) -> Shape:
    report = seen.report_of(sight, query.report)
    if query.report and not report:
        raise Missing(f"no day of a report {query.report} was computed")
    return seen.availability(sight, report, *query.span(sight.clock().astimezone(UTC).date()), query.site)


def _usage(sight: Sight, query: OfUsage, _path: Mapping[str, str]) -> Shape:
    return seen.usage(sight, query.months(sight.clock().astimezone(UTC).date()), query.vo, query.site)


_ONE = "One resource: how it stands and why, what it needs and gives, what is planned, what was done."
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/status", "How everything stands: what is not ready, what waits for a person.", shapes.StatusShape, _status
    ),
    Endpoint("/resources", "Resources, by their references.", shapes.ResourceList, _resources, OfResources),
    Endpoint("/resources/{kind}/{name}", _ONE, shapes.ResourceDetail, _resource, may_miss=True),
    Endpoint("/resources/{kind}/{namespace}/{name}", _ONE, shapes.ResourceDetail, _resource, may_miss=True),
    Endpoint("/plan", "What the last round of the loop planned.", shapes.PlanShape, _plan, may_wait=True),
    Endpoint("/runs", "Runs, the latest first.", shapes.RunList, _runs, OfRuns),
    Endpoint("/runs/{run}", "One run.", shapes.RunShape, _run, may_miss=True),
    Endpoint("/events", "What was done, the latest first.", shapes.EventList, _events, OfEvents),
    Endpoint("/graph", "Who needs whom, as of the last round.", shapes.GraphShape, _graph, may_wait=True),
    Endpoint(
        "/availability", "Sites by day, as computed.", shapes.AvailabilityShape, _availability, OfDays, may_miss=True
    ),
    Endpoint("/usage", "What machines and jobs used, by month, site and VO.", shapes.UsageList, _usage, OfUsage),
)
