"""Outages that choices must know of: those that stand, and those that begin soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from reconciler.kinds.downtime.affected import Atom, Places, affected, atom_of
from reconciler.kinds.downtime.spec import DowntimeSpec
from reconciler.kinds.world import Outage
from reconciler.model import Ref, Resource


def outages(resources: Mapping[Ref, Resource], now: datetime, within: timedelta) -> dict[str, tuple[Outage, ...]]:
    """Outages by site, of those that are not over at ``now`` and begin before ``within`` has passed.

    Scheduled or not makes no difference to what can be used. What is only at risk (WARNING) is none.
    """
    specs = [(ref, resources[ref].spec) for ref in sorted(r for r in resources if r.startswith("Downtime/"))]
    near = [(ref, spec) for ref, spec in specs if spec.end > now and spec.start < now + within]
    places = Places(resources) if near else Places({})
    found: dict[str, tuple[Outage, ...]] = {}
    for ref, spec in near:
        for one in _of(ref, spec, places):
            if one.end > now and one.start < now + within:
                found[one.site] = (*found.get(one.site, ()), one)
    return found


def _of(ref: Ref, spec: DowntimeSpec, places: Places) -> Iterator[Outage]:
    """One for each site and time."""
    struck: dict[tuple[str, datetime, datetime], set[str]] = {}
    for (site, service), atoms in affected(spec, places).items():
        for atom in atoms:
            if atom.severity == "OUTAGE":
                struck.setdefault((site, atom.start, atom.end), set()).add(service)
    whole = {(site, atom.start, atom.end) for site, atom in _whole(spec, places)}
    for site, start, end in sorted({*struck, *whole}):
        key = (site, start, end)
        yield Outage(ref, site, start, end, spec.description, frozenset(struck.get(key, ())), key in whole)


def _whole(spec: DowntimeSpec, places: Places) -> Iterator[tuple[str, Atom]]:
    """Sites that entries affect without naming services."""
    for entry in spec.affects:
        atom = atom_of(spec, entry)
        if atom.severity == "OUTAGE" and not (entry.services or entry.serviceTypes):
            yield from ((site, atom) for site in places.found(entry))
