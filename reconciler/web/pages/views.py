"""What each page tells, put together from what the API answers too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from reconciler.errors import HanseError
from reconciler.model import ConditionType, Ref, Verb
from reconciler.plan.render import claimed, next_steps, summary, words
from reconciler.records import listing
from reconciler.web import causing, seen, shapes
from reconciler.web.api.asked import OfDays, OfResources, OfRuns, OfUsage, Query, Serial, Text
from reconciler.web.door import VISIT
from reconciler.web.pages import atlas, blocks, charts, layers
from reconciler.web.pages.look import page
from reconciler.web.sight import Sight

_STEPS = ((99.0, "h4"), (95.0, "h3"), (80.0, "h2"), (50.0, "h1"), (0.0, "h0"))
STEPS = (
    ("h4", "99 % and more"),
    ("h3", "95 to 99 %"),
    ("h2", "80 to 95 %"),
    ("h1", "50 to 80 %"),
    ("h0", "below 50 %"),
    ("hx", "undefined"),
)
_TOLD = 95
"""Below it, a field tells its number too."""
_LISTED = 200
"""Actions of one verb that are listed."""
_CAUSES_TOLD = 20
"""Causes that are told without being asked for."""
_CAUSES = {
    "result": "",
    "missing": "MISSING: no result that counts",
    "downtime": "in downtime",
    "recomputation": "by a recomputation",
    "excluded": "excluded by a recomputation",
}
_CONDITIONS = (
    *((f"{kind}:False", f"not {kind}") for kind in ("Ready", "Healthy", "InSync")),
    ("Ready:Unknown", "Ready is unknown"),
    ("Ready:True", "Ready"),
    *((f"{kind}:True", str(kind)) for kind in (ConditionType.STALLED, ConditionType.RECONCILING)),
)


class Gone(Exception):
    """There is no such page."""


class OfRun(Query):
    """Which part of a run's events."""

    cursor: Serial = ""


class OfGraph(Query):
    """What of the graph."""

    kind: Text = ""
    vo: Text = ""
    site: Text = ""
    around: Text = ""
    open: Text = ""
    """Which block is open; ``*``: everything is drawn by itself."""


class OfDay(Query):
    """In which report."""

    report: Text = ""


def overview(sight: Sight, _query: Query, _path: Mapping[str, str]) -> bytes:
    """What is not ready and why, what waits for a person, what was done last."""
    drawn_at = seen.latest(sight)
    known, status = seen.last_round(sight), seen.status(sight)
    values = {
        "drawn_at": drawn_at,
        "status": status,
        "blocked": causing.of_blocked(known) if known else [],
        "causes": causing.of_troubles(sight, known),
        "told": _CAUSES_TOLD,
        "most": _LISTED,
        "unread": causing.together(status.unread, lambda one: one.reason),
        "pauses": causing.together(status.pauses, lambda one: (one.by, one.reason)),
    }
    return page("overview.html", "/", sight.clock(), **values)


def resources(sight: Sight, query: OfResources, _path: Mapping[str, str]) -> bytes:
    """A list that can be narrowed."""
    kind, _, status = query.condition.partition(":")
    wanted = listing.Wanted(query.kind, query.namespace, (kind, status) if kind else None, query.contains, query.reason)
    found = seen.resources(sight, wanted, query.cursor, query.limit)
    given = {name: value for name, value in query.model_dump().items() if value and name not in ("cursor", "limit")}
    following = f"/resources?{urlencode({**given, 'cursor': found.next})}" if found.next else ""
    kinds = sorted(listing.counts(sight.store.database))
    rows = causing.listed(found.items)
    values = {"found": found, "rows": rows, "wanted": query, "kinds": kinds, "conditions": _CONDITIONS}
    first = f"/resources?{urlencode(given)}"
    return page("resources.html", "/resources", sight.clock(), next=following, first=first, **values)


def resource(sight: Sight, _query: Query, path: Mapping[str, str]) -> bytes:
    """All of one resource."""
    ref = Ref.of(path["kind"], path["name"], path.get("namespace"))
    drawn_at = seen.latest(sight)
    found = None if "\0" in ref else seen.resource(sight, ref)
    if found is None:
        raise Gone(f"nothing is known of {ref}")
    desired = orjson.dumps(found.desired, option=orjson.OPT_INDENT_2).decode() if found.desired else ""
    heat = _heat(sight, "", *_span(sight, 30), found.name) if found.kind == "Site" else _NO_HEAT
    return page("resource.html", "/resources", sight.clock(), drawn_at=drawn_at, one=found, desired=desired, **heat)


def runs(sight: Sight, query: OfRuns, _path: Mapping[str, str]) -> bytes:
    """Runs, the latest first."""
    drawn_at = seen.latest(sight)
    found = seen.runs(sight, query.cursor, query.limit)
    return page("runs.html", "/runs", sight.clock(), drawn_at=drawn_at, found=found, cursor=query.cursor)


def run(sight: Sight, query: OfRun, path: Mapping[str, str]) -> bytes:
    """One run and what it did."""
    drawn_at = seen.latest(sight)
    found = None if "\0" in path["run"] else sight.store.runs.get(path["run"])
    if found is None:
        raise Gone(f"there is no run {path['run']}")
    events = seen.events(sight, int(query.cursor) if query.cursor else None, 100, run=found.id)
    moving = seen.under_way(sight) if found.state == "running" else []
    values = {"run": seen.run_shape(found), "events": events, "moving": moving, "cursor": query.cursor}
    return page("run.html", "/runs", sight.clock(), drawn_at=drawn_at, **values)


def plan(sight: Sight, _query: Query, _path: Mapping[str, str]) -> bytes:
    """What the last round planned, by why and by verb, and what became of it."""
    drawn_at = seen.latest(sight)
    known = seen.last_round(sight)
    if known is None:
        return page("plan.html", "/plan", sight.clock(), drawn_at=drawn_at, plan=None)
    made = known.planned.plan
    found = words.parts(made.actions)
    ended = known.outcomes
    titled = (
        ("Blocked: a person must allow it", causing.stopped(found.blocked, found.waiting, ended)),
        ("Git moved", causing.planned(found.intent, ended)),
        ("The world moved (drift)", causing.planned(found.drift, ended)),
        ("Waiting", causing.stopped(found.waiting, (), ended)),
        ("Noted, and left alone", causing.stopped(found.noted, (), ended)),
    )
    told = (
        ("Strays: they carry our mark and nobody wants them", made.strays[:_LISTED]),
        ("Warnings", made.warnings[:_LISTED]),
    )
    values = {
        "drawn_at": drawn_at,
        "plan": made,
        "planned_at": known.planned.at,
        "summary": summary(known.rest),
        "steps": next_steps(known.rest),
        "sections": [(title, _by_verb(rows)) for title, rows in titled if rows],
        "unreachable": causing.together(made.unreachable.items(), lambda one: one[1]),
        "told": [(title, lines) for title, lines in told if lines],
        "granted_title": claimed.TITLE,
        "granted_numbers": claimed.NUMBERS,
        "claims": claimed.table(claimed.worst(made.allocations)[:_LISTED]) if made.allocations else None,
        "more_claims": max(0, len(made.allocations) - _LISTED),
        "agreed": [(part, bool(sight.agreeable(part, VISIT.get().who))) for part in made.parts],
    }
    return page("plan.html", "/plan", sight.clock(), **values)


def _by_verb(rows: Sequence[causing.Row]) -> list[tuple[Verb, int, list[causing.Row], int]]:
    """(verb, resources, rows that are listed, resources that are not)."""
    found = []
    for verb in dict.fromkeys(row.actions[0].verb for row in rows):
        those = [row for row in rows if row.actions[0].verb is verb]
        told = {ref for row in those[:_LISTED] for ref in row.told}
        number = len({ref for row in those for ref in row.told})
        found.append((verb, number, those[:_LISTED], number - len(told)))
    return found


def graph(sight: Sight, query: OfGraph, _path: Mapping[str, str]) -> bytes:
    """The drawing, of all or of a part."""
    known = seen.last_round(sight)
    if known is None:
        return page("graph.html", "/graph", sight.clock(), picture=None)
    shown = _shown(known, query)
    ready = seen.readiness(sight, sorted(shown))
    asked = {name: value for name, value in query.model_dump().items() if value and name != "open"}
    values: dict[str, Any] = {"wanted": query.model_dump(), "link": f"/graph?{urlencode(asked)}{'&' if asked else ''}"}
    if len(shown) > blocks.ENOUGH and query.open != "*":
        values |= {"picture": blocks.blocks(known.drawing, shown, ready, query.open), "in_blocks": True}
    else:
        values |= {"picture": layers.picture(known.drawing, shown, ready), "in_blocks": False}
    declared = known.planned.graph.resources
    kinds = sorted({ref.kind for ref in declared})
    vos = sorted({ref.name for ref in declared if ref.kind == "VO"} | {r.namespace for r in declared if r.namespace})
    sites = sorted(ref.name for ref in declared if ref.kind == "Site")
    filters = (("kind", "Kind", kinds), ("vo", "VO", vos), ("site", "Site", sites))
    values |= {"whole": len(known.drawing.boxes), "filters": filters, "enough": blocks.ENOUGH}
    return page("graph.html", "/graph", sight.clock(), **values)


def _shown(known: seen.Round, query: OfGraph) -> frozenset[Ref]:
    """What is asked for; a VO or a site with all that refers to it or lives there."""
    refs = {box.ref for box in known.drawing.boxes}
    if query.around:
        refs &= layers.around(known.drawing, Ref(query.around))
    if query.kind:
        refs = {ref for ref in refs if ref.kind == query.kind}
    if query.vo:
        vo = Ref.of("VO", query.vo)
        near = {vo, *known.needed_by.get(vo, ())}
        refs = {ref for ref in refs if ref in near or ref.namespace == query.vo}
    if query.site:
        site = Ref.of("Site", query.site)
        near = {site, *known.needed_by.get(site, ())}
        declared = known.planned.graph.resources
        lives = {ref for ref in refs if ref in declared and _at(declared[ref].target, query.site)}
        refs &= near | lives
    return frozenset(refs)


def _at(target: str, site: str) -> bool:
    """Whether a back end (``compute:SITE/cloud``) is at a site."""
    return target.partition(":")[2].partition("/")[0] == site


# -- availability ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """One site on one day, as it is drawn."""

    step: str
    text: str
    said: str


_NO_HEAT: dict[str, Any] = {"days": {}, "dates": [], "report": "", "steps": STEPS, "query": ""}


def _span(sight: Sight, number: int) -> tuple[date, date]:
    today = sight.clock().astimezone(UTC).date()
    return today - timedelta(days=number), today


def _heat(sight: Sight, report: str, first: date, last: date, site: str = "") -> dict[str, Any]:
    name = seen.report_of(sight, report)
    found = seen.availability(sight, name, first, last, site).items if name else []
    days: dict[str, dict[date, _Field]] = {}
    for one in found:
        days.setdefault(one.site, {})[one.day] = _field(one)
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    query = f"?report={quote(report)}" if report else ""
    return {"days": dict(sorted(days.items())), "dates": dates, "report": name, "steps": STEPS, "query": query}


def _field(one: shapes.DayShape) -> _Field:
    value = one.availability
    if value is None:
        return _Field("hx", "-", "undefined")
    step = next(name for least, name in _STEPS if value >= least)
    return _Field(step, f"{value:.0f}" if value < _TOLD else "", f"{value:.3f} %")


def availability(sight: Sight, query: OfDays, _path: Mapping[str, str]) -> bytes:
    """The map of heat."""
    first, last = query.span(sight.clock().astimezone(UTC).date())
    heat = _heat(sight, query.report, first, last, query.site)
    given = {"report": query.report, "site": query.site, "last": str(first - timedelta(days=1))}
    earlier = f"/availability?{urlencode({k: v for k, v in given.items() if v})}"
    reports = sight.store.uptime.reports()
    values = {**heat, "reports": reports, "site": query.site, "earlier": earlier}
    return page("availability.html", "/availability", sight.clock(), **values)


def day(sight: Sight, query: OfDay, path: Mapping[str, str]) -> bytes:
    """What was lost on a site's day, to which check, by which result."""
    site = path["name"]
    try:
        wanted = date.fromisoformat(path["day"])
        before, after = wanted - timedelta(days=1), wanted + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Gone(f"{path['day']} is not a day such as 2026-10-12") from error
    name = seen.report_of(sight, query.report)
    kept = seen.availability(sight, name, wanted, wanted, site) if name and "\0" not in site else None
    found, fault = _explained(sight, site, wanted, query.report)
    values = {"site": site, "day": str(wanted), "before": before, "after": after, "causes": _CAUSES}
    query_ = f"?report={quote(query.report)}" if query.report else ""
    known = _Kept(kept.report, kept.items[0].availability, kept.items[0].reliability) if kept and kept.items else None
    told = {"found": found, "fault": fault, "kept": known, "query": query_}
    return page("day.html", "/availability", sight.clock(), **values, **told)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was kept of a day."""

    report: str
    availability: float | None
    reliability: float | None


def _explained(sight: Sight, site: str, wanted: date, report: str) -> tuple[Any, str]:
    """Kept for a minute: git is read for it."""
    now, key = sight.clock(), ("day", site, wanted, report)
    kept: tuple[datetime, Any, str] | None = sight.kept.get(key)
    if kept is None or now - kept[0] > timedelta(minutes=1):
        try:
            kept = (now, sight.explain_day(site, wanted, report), "")
        except HanseError as error:
            kept = (now, None, str(error))
        for old in [k for k in sight.kept if k[0] == "day" and now - sight.kept[k][0] > timedelta(minutes=1)]:
            del sight.kept[old]
        sight.kept[key] = kept
    return kept[1], kept[2]


# -- usage and the map -------------------------------------------------------------------------------------------------


def usage(sight: Sight, query: OfUsage, _path: Mapping[str, str]) -> bytes:
    """Bars by month, and the table behind them; twelve months unless others are asked for."""
    today = sight.clock().astimezone(UTC).date()
    last = query.months(today)[-1]
    if not query.since:
        year, month = int(last[:4]), int(last[5:])
        before = max(12, year * 12 + month - 1 - 11)
        query = query.model_copy(update={"since": f"{before // 12:04}-{before % 12 + 1:02}"})
    months = query.months(today)
    found = seen.usage(sight, months, query.vo, query.site).items
    values = {"found": found, "chart": charts.chart(found, months), "months": months, "wanted": query}
    return page("usage.html", "/usage", sight.clock(), **values)


def world(sight: Sight, _query: Query, _path: Mapping[str, str]) -> bytes:
    """Where sites are, and how they stand."""
    planned = sight.planned()
    declared = planned.graph.resources if planned else {}
    refs = sorted(ref for ref in declared if ref.kind == "Site")
    ready = seen.readiness(sight, refs)
    sites, spots = [], []
    for ref in refs:
        spec, status = declared[ref].spec, ready.get(ref, "Unknown")
        there = spec.latitude is not None and spec.longitude is not None
        where = f"{spec.latitude:.2f}, {spec.longitude:.2f}" if there else ""
        if there:
            spots.append(atlas.Spot(ref.name, float(spec.latitude), float(spec.longitude), status))
        said = {"official": spec.officialName, "ngi": spec.ngi, "country": spec.country}
        sites.append(said | {"name": ref.name, "ready": status, "where": where, "certification": spec.certification})
    return page("map.html", "/map", sight.clock(), sites=sites, atlas=atlas.atlas(spots), land=atlas.land())
