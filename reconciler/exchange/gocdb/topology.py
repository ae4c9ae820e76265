"""What GOCDB would hold of one commit: all with their keys, in the order of the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import NamedTuple, TypeVar

from reconciler.exchange.gocdb.keys import key_of, noted, number_of, service_name, site_name
from reconciler.kinds.downtime import Declarations, Interval, intervals
from reconciler.kinds.downtime.affected import Places
from reconciler.kinds.downtime.affected import services as chosen
from reconciler.kinds.servicegroup import ServiceGroupSpec
from reconciler.kinds.site import Service, SiteSpec
from reconciler.kinds.vocabulary.types import SERVICE_TYPES
from reconciler.model import Ref, Resource


class CertificationStep(NamedTuple):
    """A change of a site's certification."""

    at: datetime
    site: str
    old: str
    new: str
    reason: str


Steps = Callable[[], Sequence[CertificationStep]]
EntryT = TypeVar("EntryT", "SiteEntry", "ServiceEntry", "DowntimeEntry", "GroupEntry")


@dataclass(frozen=True, eq=False)
class SiteEntry:
    """A site that is registered: one that states where it stands in certification."""

    id: int
    key: str
    name: str
    spec: SiteSpec

    @cached_property
    def services(self) -> tuple[ServiceEntry, ...]:
        """Its services."""
        return tuple(_service(self, service) for service in self.spec.services)


@dataclass(frozen=True, eq=False)
class ServiceEntry:
    """A service of a site."""

    id: int
    key: str
    site: SiteEntry
    spec: Service


@dataclass(frozen=True, eq=False)
class DowntimeEntry:
    """A downtime of services that are down alike: at the same time, as badly, and of one class."""

    id: int
    key: str
    interval: Interval
    """Of the first of its services."""
    services: tuple[ServiceEntry, ...]


@dataclass(frozen=True, eq=False)
class GroupEntry:
    """A group of services."""

    id: int
    key: str
    name: str
    spec: ServiceGroupSpec
    services: tuple[ServiceEntry, ...]


@dataclass(frozen=True)
class Topology:
    """All of a commit, each kind in the order of its numbers."""

    sites: tuple[SiteEntry, ...]
    services: tuple[ServiceEntry, ...]
    downtimes: tuple[DowntimeEntry, ...]
    groups: tuple[GroupEntry, ...]
    types: Mapping[str, str]
    """Every service type that there is -> what it is, where somebody says so."""
    steps: Steps
    """Asks git for changes of certification, the oldest first; once."""
    unregistered: tuple[str, ...]
    """Sites without a certification status: GOCDB knows no such thing."""


def topology(
    resources: Mapping[Ref, Resource], declarations: Declarations, now: datetime, steps: Steps = tuple
) -> Topology:
    """The register of what is declared. ``declarations`` is what commits have stated of its downtimes."""
    sites, others = [], []
    for ref in sorted(ref for ref in resources if ref.startswith("Site/")):
        entry = _site(ref.name, resources[ref])
        if entry.spec.certification is None:
            others.append(entry.name)
        else:
            sites.append(entry)
    services = {(site.name, one.spec.name): one for site in sites for one in site.services}
    return Topology(
        _ordered(sites),
        _ordered(services.values()),
        _ordered(_downtimes(resources, intervals(resources, declarations, now), services)),
        _ordered(_groups(resources, services)),
        _types(resources, services.values()),
        cache(steps),
        tuple(others),
    )


def _site(name: str, resource: Resource) -> SiteEntry:
    key = key_of(site_name(name), noted(resource.annotations))
    return SiteEntry(number_of(key), key, name, resource.spec)


def _service(site: SiteEntry, spec: Service) -> ServiceEntry:
    key = key_of(service_name(site.name, spec.name), spec.primaryKey)
    return ServiceEntry(number_of(key), key, site, spec)


def _downtimes(
    resources: Mapping[Ref, Resource],
    found: Iterable[Interval],
    services: Mapping[tuple[str, str], ServiceEntry],
) -> Iterator[DowntimeEntry]:
    """Downtimes of registered services; a noted key is that of the first part of an imported downtime."""
    alike: dict[tuple[Ref, str], list[Interval]] = {}
    for one in found:
        if (one.site, one.service) in services:
            alike.setdefault((one.ref, one.id), []).append(one)
    told = set[Ref]()
    for (ref, name), held in alike.items():
        key = key_of(("Downtime", name), noted(resources[ref].annotations) if ref not in told else None)
        told.add(ref)
        yield DowntimeEntry(number_of(key), key, held[0], tuple(services[one.site, one.service] for one in held))


def _groups(
    resources: Mapping[Ref, Resource], services: Mapping[tuple[str, str], ServiceEntry]
) -> Iterator[GroupEntry]:
    """Groups, with those of their services that are registered."""
    refs = sorted(ref for ref in resources if ref.startswith("ServiceGroup/"))
    places = Places(resources) if refs else Places({})
    for ref in refs:
        spec: ServiceGroupSpec = resources[ref].spec
        held = sorted({key for entry in spec.members for key, _level in chosen(entry, places)} & services.keys())
        key = key_of(("ServiceGroup", ref.name), noted(resources[ref].annotations))
        yield GroupEntry(number_of(key), key, ref.name, spec, tuple(services[one] for one in held))


def _types(resources: Mapping[Ref, Resource], services: Iterable[ServiceEntry]) -> dict[str, str]:
    own = [one for ref in sorted(resources) if ref.kind == "Vocabulary" for one in resources[ref].spec.serviceTypes]
    said = {one.name: one.description or "" for one in own}
    return {name: said.get(name, "") for name in sorted({*SERVICE_TYPES, *said, *(one.spec.type for one in services)})}


def _ordered(entries: Iterable[EntryT]) -> tuple[EntryT, ...]:
    return tuple(sorted(entries, key=attrgetter("id")))
