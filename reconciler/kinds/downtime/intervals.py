"""Downtimes as others need them: one line for each stretch of each service, with its class and its id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import TypeVar

from reconciler.kinds.base import Stated
from reconciler.kinds.downtime.affected import Atom, Key, Places, affected, atom_of
from reconciler.kinds.downtime.classes import NOTICE, Classification, Stretch, standing, stretches
from reconciler.kinds.downtime.spec import DowntimeSpec, Severity
from reconciler.model import Ref, Resource

_DAYS = 3
"""From so many days on, days are told in place of hours."""
_NEAR = timedelta(minutes=30)
MeaningT = TypeVar("MeaningT")

Declarations = Mapping[Ref, Sequence[Stated[DowntimeSpec]]]
"""What commits have stated of each downtime, the oldest first; of one that is missing none has."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of one service's downtime."""

    id: str
    """The same for all services of one downtime that are down alike: 12 hex digits."""
    ref: Ref
    site: str
    service: str
    """Name within the site; "" where a whole site is meant."""
    type: str
    hostname: str
    start: datetime
    end: datetime
    severity: Severity
    classification: Classification
    declared: datetime
    description: str

    @property
    def counts(self) -> bool:
        """Whether it excuses the service: only a scheduled outage does."""
        return self.severity == "OUTAGE" and self.classification == "SCHEDULED"

    @property
    def why(self) -> str:
        """Why its class is what it is."""
        ahead = self.start - self.declared
        told = _length(abs(ahead))
        said = f"{told} before it begins" if ahead.total_seconds() > 0 else f"{told} after it began"
        bound = "more than" if ahead > NOTICE else "not more than"
        return f"declared {self.declared:%Y-%m-%d %H:%M}Z, {said}: {bound} {NOTICE.total_seconds() / 3600:.0f} h ahead"

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether it has any time between the two."""
        return self.start < end and self.end > start


def _length(span: timedelta) -> str:
    """In days or hours; near to the notice down to the second, so that both of its sides read as they are."""
    hours = span.total_seconds() / 3600
    if abs(span - NOTICE) < _NEAR:
        minutes, seconds = divmod(int(span.total_seconds()), 60)
        return f"{minutes // 60} h {minutes % 60:02} min {seconds:02} s"
    return f"{hours / 24:,.1f} days" if hours >= _DAYS * 24 else f"{hours:,.1f} h"


def intervals(resources: Mapping[Ref, Resource], declarations: Declarations, now: datetime) -> list[Interval]:
    """Every stretch of every service's downtime, past ones too, by start, site and service."""
    found = [one for ref, spec, places in _downtimes(resources) for one in _of(ref, spec, declarations, places, now)]
    return sorted(found, key=attrgetter("start", "site", "service", "id"))


def whole_sites(resources: Mapping[Ref, Resource], declarations: Declarations, now: datetime) -> list[Interval]:
    """The stretches in which all of a site is down or at risk, by start and site; without a service.

    Where an entry affects a site without naming services. What is said of single services besides is not looked at.
    """
    found = []
    for ref, spec, places in _downtimes(resources):
        entries = [one for one in spec.affects if not (one.services or one.serviceTypes)]
        for site in sorted({site for entry in entries for site in places.found(entry)}):
            history = _history(declarations.get(ref, ()), spec, now, partial(_of_site, site=site, places=places))
            for atom in history[0][1]:
                found += [_interval(ref, spec, (site, ""), atom, part, places) for part in stretches(atom, history)]
    return sorted(found, key=attrgetter("start", "site", "id"))


def _downtimes(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, DowntimeSpec, Places]]:
    refs = sorted(ref for ref in resources if ref.startswith("Downtime/"))
    places = Places(resources) if refs else Places({})
    for ref in refs:
        yield ref, resources[ref].spec, places


def _of(ref: Ref, spec: DowntimeSpec, declarations: Declarations, places: Places, now: datetime) -> Iterator[Interval]:
    history = _history(declarations.get(ref, ()), spec, now, partial(affected, places=places))
    for key, atoms in history[0][1].items():
        of_service = [(at, stated.get(key, ())) for at, stated in history]
        for atom in atoms:
            yield from (_interval(ref, spec, key, atom, part, places) for part in stretches(atom, of_service))


def _history(
    stated: Sequence[Stated[DowntimeSpec]], spec: DowntimeSpec, now: datetime, read: Callable[[DowntimeSpec], MeaningT]
) -> list[tuple[datetime, MeaningT]]:
    """What each statement means, the newest first; one that took the downtime away ends it."""
    found = []
    for one in reversed(standing(stated, spec, now)):
        if one.spec is None:
            break
        found.append((one.at, read(one.spec)))
    return found


def _of_site(spec: DowntimeSpec, site: str, places: Places) -> tuple[Atom, ...]:
    return tuple(
        atom_of(spec, entry, n)
        for n, entry in enumerate(spec.affects)
        if not (entry.services or entry.serviceTypes) and site in places.found(entry)
    )


def _interval(ref: Ref, spec: DowntimeSpec, key: Key, atom: Atom, part: Stretch, places: Places) -> Interval:
    service = places.service(key) if key[1] else None
    return Interval(
        _id(ref, part.start, atom),
        ref,
        *key,
        service.type if service else "",
        service.hostname if service else "",
        part.start,
        part.end,
        atom.severity,
        part.classification,
        part.declared,
        spec.description,
    )


def _id(ref: Ref, start: datetime, atom: Atom) -> str:
    """By name and start; what an entry says for itself tells its services from the others.

    The end of the whole downtime is no part of it: one that is closed or extended keeps its id.
    """
    own = [atom.end.isoformat() if name == "end" else atom.severity for name in atom.own]
    said = "\n".join([str(ref), start.isoformat(), *own])
    return hashlib.sha256(said.encode()).hexdigest()[:12]
