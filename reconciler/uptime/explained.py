"""Why a site lost minutes on a day: to which check, and which result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reconciler.availability import DAY, Numbers, losses, numbers
from reconciler.availability.lost import Blame
from reconciler.errors import SettingsError
from reconciler.kinds.downtime import Interval
from reconciler.model import Ref
from reconciler.records.store import Store
from reconciler.uptime.days import Asked, day_of, start_of
from reconciler.uptime.declared import Declaration


@dataclass(frozen=True, slots=True)
class Guilty:
    """What made a stretch what it was."""

    cause: str
    """result, missing, downtime, recomputation or excluded."""
    function: str
    service: str
    hostname: str
    metric: str
    status: str
    probe: str
    at: datetime | None
    """When the result was made."""
    summary: str


@dataclass(frozen=True, slots=True)
class LostStretch:
    """A stretch that was not up."""

    start: datetime
    end: datetime
    minutes: float
    status: str
    because: tuple[Guilty, ...]


@dataclass(frozen=True, slots=True)
class Soft:
    """A bad result that did not count: not enough of them came in a row."""

    probe: str
    at: datetime
    status: str
    attempt: int
    summary: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One site on one day."""

    report: str
    site: str
    day: date
    numbers: Numbers
    minutes: dict[str, float]
    """Minutes in each status."""
    lost: tuple[LostStretch, ...]
    by_check: dict[str, float]
    """Minutes lost while a check stood badly; where several did, each is told all of them."""
    recomputations: tuple[str, ...]
    downtimes: tuple[Interval, ...] = ()
    """Every downtime of the site on that day, also those that excuse nothing."""
    soft: tuple[Soft, ...] = ()
    """Bad results that did not count."""


def explained(store: Store, asked: Asked, site: str, day: date, now: datetime) -> Explained:
    """One site's day. Raises SettingsError when nothing of that site was looked at, or the day is yet to come."""
    if start_of(day) > now:
        raise SettingsError(f"{day} has not begun: there is nothing to tell of it")
    found, about, inputs = day_of(store, asked, day, now)
    if site not in found.groups:
        known = {group.subgroup for group in about.groups}
        said = "no check of it counts" if site in known else f"it is not in the report {asked.report}"
        raise SettingsError(f"{site} has no availability on {day}: {said}")
    counted = found.counted.get(site, found.groups[site])
    start = start_of(day)
    stretches, by_check = [], dict[str, float]()
    for loss in losses(found, site):
        because = tuple(_guilty(store, about, blame, start) for blame in loss.blames)
        for name in {f"{one.hostname} {one.metric}".strip() or one.cause for one in because}:
            by_check[name] = by_check.get(name, 0) + loss.minutes
        span = (start + timedelta(seconds=loss.start), start + timedelta(seconds=loss.end))
        stretches.append(LostStretch(*span, loss.minutes, loss.status, because))
    return Explained(
        asked.report,
        site,
        day,
        numbers(counted.seconds(), inputs.quirks),
        {state: seconds / 60 for state, seconds in sorted(counted.seconds().items())},
        tuple(stretches),
        dict(sorted(by_check.items(), key=lambda one: (-one[1], one[0]))),
        tuple(found.recomputed.get(site, ())),
        tuple(one for one in asked.told(start) if one.site == site),
        tuple(_soft(store, about, {key[1:] for key in found.endpoints if key[0] == site}, start)),
    )


def _soft(store: Store, about: Declaration, endpoints: set[tuple[str, str]], start: datetime) -> Iterator[Soft]:
    refs = {Ref(one.ref) for one in about.sources if (one.service, one.hostname) in endpoints}
    for one in store.uptime.soft(sorted(refs), start, start + timedelta(seconds=DAY)):
        yield Soft(str(one.ref), one.at, one.status, one.attempt, one.summary)


def _guilty(store: Store, about: Declaration, blame: Blame, start: datetime) -> Guilty:
    ref, at, summary = "", None, ""
    if blame.cause == "result":
        result = _result(store, about, blame, start)
        if result is not None:
            ref, at, summary = result
    parts = (blame.cause, blame.function, blame.service, blame.hostname, blame.metric, blame.status)
    return Guilty(*parts, ref, at, summary)


def _result(store: Store, about: Declaration, blame: Blame, start: datetime) -> tuple[str, datetime, str] | None:
    """The result that put a metric into its status: the last one of its probes at that time."""
    until = start + timedelta(seconds=min(blame.since + 1, DAY))
    key = (blame.service, blame.hostname, blame.metric)
    found = []
    for one in about.sources:
        if (one.service, one.hostname, one.metric) == key:
            result = store.uptime.result_at(Ref(one.ref), until)
            found += [(str(one.ref), result.at, result.summary)] if result else []
    return max(found, key=lambda one: one[1], default=None)
