"""Which services a downtime affects, and when: its entries read against the sites that are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.kinds.downtime.spec import Affected, Chosen, DowntimeSpec, Severity, SiteSelector
from reconciler.kinds.site.service import Service
from reconciler.kinds.site.spec import SiteSpec
from reconciler.model import Ref, Resource

Key = tuple[str, str]
"""Site, name of the service."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One stretch of one service, as a manifest states it."""

    start: datetime
    end: datetime
    severity: Severity
    own: tuple[str, ...] = ()
    """What of it the entry says for itself, and not the whole downtime: ``severity``, ``end``."""
    entry: int = 0
    """The entry that states it."""


@dataclass(frozen=True)
class Place:
    """A site as downtimes look at it."""

    spec: SiteSpec
    labels: Mapping[str, str]


class Places:
    """The sites that are declared; each is decoded when it is looked at."""

    def __init__(self, resources: Mapping[Ref, Resource]) -> None:
        self._sites = {ref.name: one for ref, one in resources.items() if ref.startswith("Site/")}
        self.names = sorted(self._sites)
        self._read: dict[str, Place] = {}

    def of(self, site: str) -> Place:
        """A site that is declared."""
        if site not in self._read:
            one = self._sites[site]
            self._read[site] = Place(one.spec, one.labels or {})
        return self._read[site]

    def found(self, entry: Chosen) -> list[str]:
        """The sites of an entry; a site that is not declared is none."""
        if entry.site is not None:
            return [entry.site] if entry.site in self._sites else []
        chooser = entry.selector or SiteSelector()
        return [name for name in self.names if _fits(self.of(name), chooser)]

    def service(self, key: Key) -> Service:
        """A service that ``affected`` has named."""
        found = self.of(key[0]).spec.service(key[1])
        assert found is not None  # noqa: S101 (it was found among them)
        return found


def _fits(place: Place, chooser: SiteSelector) -> bool:
    spec = place.spec
    return (
        chooser.labels.items() <= place.labels.items()
        and chooser.ngi in (None, spec.ngi)
        and chooser.country in (None, spec.country)
        and set(chooser.scopes) <= set(spec.scopes)
    )


def affected(spec: DowntimeSpec, places: Places) -> dict[Key, tuple[Atom, ...]]:
    """What each service has of a downtime, in the order of time: of the entries that say most about it."""
    said: dict[Key, list[tuple[tuple[int, bool], Atom]]] = {}
    for n, entry in enumerate(spec.affects):
        atom = atom_of(spec, entry, n)
        for key, level in services(entry, places):
            said.setdefault(key, []).append(((level, entry.site is not None), atom))
    return {key: _foremost(some) for key, some in sorted(said.items())}


def atom_of(spec: DowntimeSpec, entry: Affected, number: int = 0) -> Atom:
    """When and how badly an entry affects what it names."""
    own = [name for name in ("severity", "end") if getattr(entry, name) is not None]
    severity = entry.severity or spec.severity
    return Atom(entry.start or spec.start, entry.end or spec.end, severity, tuple(own), number)


def services(entry: Chosen, places: Places) -> Iterator[tuple[Key, int]]:
    """The services of an entry, and how much it says of each: 2 its name, 1 its type, 0 neither."""
    named, types = set(entry.services), set(entry.serviceTypes)
    for site in places.found(entry):
        for service in places.of(site).spec.services:
            level = 2 if service.name in named else 1 if service.type in types else 0
            if level or not (named or types):
                yield (site, service.name), level


def _foremost(said: Sequence[tuple[tuple[int, bool], Atom]]) -> tuple[Atom, ...]:
    most = max(level for level, _ in said)
    return tuple(sorted((atom for level, atom in said if level == most), key=lambda a: (a.start, a.end, a.severity)))
