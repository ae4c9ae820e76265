"""Months and other ranges, from rows of days: of sites, functions, services and endpoints, and of NGIs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.availability import Mean, Numbers, Timeline, Trend, mean, supergroup, supergroup_mean, trends
from reconciler.availability.trends import summed
from reconciler.kinds.report import Targets
from reconciler.model.uptime import UptimeLevel, UptimeRecord

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One thing over a range of days; as with ARGO, a perfect range has 99.999999 %, one never known 0."""

    level: UptimeLevel
    site: str
    function: str
    service: str
    hostname: str
    ngi: str
    availability: float
    reliability: float
    up: float
    unknown: float
    down: float
    days: int
    flips: int
    """Changes of status."""
    trends: tuple[Trend, ...]
    recomputations: tuple[str, ...]
    below: tuple[str, ...]
    """Targets that it misses."""
    partial: bool = False
    """The days are not over yet: targets are missed so far."""


@dataclass(frozen=True, slots=True)
class NgiRow:
    """An NGI over a range of days; not a number (None) without any site that has one."""

    ngi: str
    availability: float | None
    reliability: float | None
    days: int
    sites: int
    partial: bool = False
    """The days are not over yet."""


def summaries(rows: Iterable[UptimeRecord], targets: Targets) -> list[SummaryRow]:
    """One row for each thing that has days."""
    found: dict[tuple[UptimeLevel, Key], list[UptimeRecord]] = {}
    for row in rows:
        found.setdefault((row.level, (row.site, row.function, row.service, row.hostname)), []).append(row)
    return [_summary(some, targets) for _, some in sorted(found.items(), key=lambda one: (one[0][1], one[0][0]))]


def _summary(rows: list[UptimeRecord], targets: Targets) -> SummaryRow:
    one = rows[-1]
    made = mean([numbers_of(row) for row in rows]) or Mean(-1, -1)
    timelines = [timeline_of(row) for row in rows]
    return SummaryRow(
        one.level,
        one.site,
        one.function,
        one.service,
        one.hostname,
        one.ngi,
        made.availability,
        made.reliability,
        made.up,
        made.unknown,
        made.down,
        made.days,
        sum(timeline.changes for timeline in timelines),
        summed(trends(timeline) for timeline in timelines),
        tuple(sorted({name for row in rows for name in row.recomputations})),
        tuple(_below(made, targets)) if one.level == "group" else (),
    )


def _below(made: Mean, targets: Targets) -> Iterable[str]:
    """What was never known misses neither target, though ARGO's number for it is 0; it misses the one for unknown."""
    if made.unknown < 1 and made.availability < targets.availability:
        yield "availability"
    if made.unknown + made.down < 1 and made.reliability < targets.reliability:
        yield "reliability"
    if made.unknown > targets.unknown:
        yield "unknown"


def ngis(rows: Iterable[UptimeRecord]) -> list[NgiRow]:
    """NGIs from rows of sites: each day weighted, then the mean of days."""
    found: dict[str, dict[date, list[UptimeRecord]]] = {}
    for row in rows:
        if row.level == "group":
            found.setdefault(row.ngi, {}).setdefault(row.day, []).append(row)
    return [_ngi(name, days) for name, days in sorted(found.items())]


def _ngi(name: str, days: Mapping[date, list[UptimeRecord]]) -> NgiRow:
    daily = [supergroup((numbers_of(row), row.weight) for row in rows) for rows in days.values()]
    made = supergroup_mean(daily)
    sites = {row.site for rows in days.values() for row in rows}
    return NgiRow(name, _number(made.availability), _number(made.reliability), len(days), len(sites))


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 (not a number is no number, not even itself)


def numbers_of(row: UptimeRecord) -> Numbers:
    """The numbers of a row."""
    return Numbers(row.availability, row.reliability, row.up, row.unknown, row.down)


def timeline_of(row: UptimeRecord) -> Timeline:
    """The status of a row through its day."""
    return Timeline.of(dict(row.points))
