"""What GOCDB would hold of one commit: its sites and services with their keys, in the order of the keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

from reconciler.exchange.gocdb.keys import key_of, noted, number_of, service_name, site_name
from reconciler.kinds.site import Service, SiteSpec
from reconciler.model import Ref, Resource

EntryT = TypeVar("EntryT", "SiteEntry", "ServiceEntry")


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


@dataclass(frozen=True)
class Topology:
    """All of a commit, each kind in the order of its numbers."""

    sites: tuple[SiteEntry, ...]
    services: tuple[ServiceEntry, ...]
    unregistered: tuple[str, ...]
    """Sites without a certification status: GOCDB knows no such thing."""


def topology(resources: Mapping[Ref, Resource]) -> Topology:
    """The register of what is declared."""
    sites, others = [], []
    for ref in sorted(ref for ref in resources if ref.startswith("Site/")):
        entry = _site(ref.name, resources[ref])
        if entry.spec.certification is None:
            others.append(entry.name)
        else:
            sites.append(entry)
    ordered = _ordered(sites)
    return Topology(ordered, _ordered(service for site in sites for service in site.services), tuple(others))


def _site(name: str, resource: Resource) -> SiteEntry:
    key = key_of(site_name(name), noted(resource.annotations))
    return SiteEntry(number_of(key), key, name, resource.spec)


def _service(site: SiteEntry, spec: Service) -> ServiceEntry:
    key = key_of(service_name(site.name, spec.name), spec.primaryKey)
    return ServiceEntry(number_of(key), key, site, spec)


def _ordered(entries: Iterable[EntryT]) -> tuple[EntryT, ...]:
    return tuple(sorted(entries, key=attrgetter("id")))
