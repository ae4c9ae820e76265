"""Availability beside the loop: each day shortly after its end, and again when what it was computed from has changed.

What has not changed costs a digest: a day is computed when it was not over, when topology, profiles, downtimes or
recomputations are others now, or when results of it have come in since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from reconciler import manifest, source
from reconciler.daemon.forgetting import forget
from reconciler.errors import HanseError
from reconciler.model import Ref, Resource, digest_of, encode
from reconciler.model.uptime import UptimeDay
from reconciler.reconcile import House
from reconciler.uptime import Asked, Computed, brought_up
from reconciler.uptime.days import start_of
from reconciler.uptime.past import asked_of

_log = structlog.get_logger()
AFTER_MIDNIGHT = timedelta(minutes=5)
"""Results of the last minutes of a day have come in by then."""
_LOOK = 10.0
_DAY = timedelta(days=1)
_PROFILES = frozenset({"Report", "MetricProfile", "AggregationProfile"})
_AFTERWARDS = frozenset({"Downtime", "Recomputation"})


@dataclass
class Almanac:
    """When availability is due: on a new day, after a new commit, and every so many seconds."""

    every: float
    commit: str = ""
    day: date | None = None
    at: datetime | None = None

    def due(self, commit: str, now: datetime) -> date | None:
        """The first day that is to be looked at, if there is something to do now.

        After a new day or a commit all of this month and the last; otherwise today, and what was opened again.
        """
        day = (now.astimezone(UTC) - AFTER_MIDNIGHT).date()
        if (commit, day) != (self.commit, self.day):
            self.commit, self.day, self.at = commit, day, now
            return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
        if self.at is None or (now - self.at).total_seconds() >= self.every:
            self.at = now
            return day
        return None


def keep_computing(house: House, commit: Callable[[], str], stop: threading.Event) -> None:
    """Compute what is due until ``stop`` is set. What goes wrong is logged, and tried again when it is due again."""
    every = house.settings.run.availability_seconds
    almanac, looked = Almanac(every), Looked()
    while every and not stop.wait(_LOOK):
        now = house.clock()
        known = commit()
        first = almanac.due(known, now) if known else None
        if first is None:
            continue
        try:
            compute(house, known, first, now, looked, stop)
        except HanseError as error:
            _log.error("availability not computed", why=str(error))


@dataclass
class Looked:
    """What each day rested on when it was looked at last: where nothing is other now, no old commit is read again."""

    at: dict[tuple[str, date], str] = field(default_factory=dict)

    def settled(self, asked: Asked, day: date, kept: UptimeDay | None) -> bool:
        """Whether a day that was computed whole rests on the same as then; notes what it rests on."""
        key, now = (asked.report, day), _rests_on(asked, day)
        same = kept is not None and kept.complete and self.at.get(key) == now
        self.at[key] = now
        return same


def _rests_on(asked: Asked, day: date) -> str:
    """The commits of a day, and all that is told afterwards."""
    start, end = start_of(day), start_of(day) + _DAY
    commits = [asked.commit_at(moment) or asked.commit for moment in (start - _DAY, start)]
    told = [
        [ref, one.digest]
        for ref, one in sorted(asked.now.items())
        if ref.kind in _PROFILES
        or (ref.kind in _AFTERWARDS and one.spec.start <= end and one.spec.end >= start - timedelta(seconds=1))
    ]
    return digest_of(encode([commits, told]))


def compute(
    house: House,
    commit: str,
    first: date,
    now: datetime,
    looked: Looked | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Bring every report up to date from a day on, and what was opened again before it; says how many days it took.

    Results of days that are settled are forgotten as long after them as the settings say.
    """
    settings = house.settings
    read = source.read(Path(settings.source.repository), commit, paths=settings.source.paths)
    resources = manifest.load(read, house.kinds, manifest.RuleSettings(settings.rules)).items
    today, looked = now.astimezone(UTC).date(), looked or Looked()
    computed = 0
    past = asked_of(settings, read, resources, "", now, lambda said: _log.warning("not as it was", why=said))
    for report in reports(resources):
        asked = replace(past, report=report)
        kept = house.store.uptime.days(report, first - timedelta(days=62), today)
        begin = min([first, *(day for day, one in kept.items() if not one.complete)])
        for day in (begin + n * _DAY for n in range((today - begin).days + 1)):
            if stop is not None and stop.is_set():
                return computed
            if looked.settled(asked, day, kept.get(day)):
                continue
            for one in brought_up(house.store, asked, day, day, now):
                if isinstance(one, Computed):
                    computed += 1
                    _log.info("availability computed", report=report, day=str(one.day), commit=one.commit[:12])
    forgotten = forget(house.store, reports(resources), settings.probes.keep_days, today)
    if forgotten:
        _log.info("old results forgotten", number=forgotten, older_than_days=settings.probes.keep_days)
    return computed


def reports(resources: Mapping[Ref, Resource]) -> list[str]:
    """The reports that are declared and not disabled; *Default* where there is none."""
    found = [ref.name for ref, one in sorted(resources.items()) if ref.kind == "Report" and not one.spec.disabled]
    return found or ["Default"]
