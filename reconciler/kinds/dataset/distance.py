"""How far storages are from each other, as sites declare it: by links, and else by the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.kinds.base import Federation
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.country import continent
from reconciler.kinds.site.storage import Link, Storage

Distance = tuple[bool, float, str]


@dataclass(frozen=True)
class Atlas:
    """The storages of a federation."""

    sites: Mapping[str, SiteSpec]
    names: tuple[str, ...]
    """Every storage, ``site/storage``."""
    _storages: Mapping[str, Storage] = field(default_factory=dict)

    @classmethod
    def of(cls, federation: Federation) -> Atlas:
        """Look at every site."""
        sites = {ref.name: spec for ref, spec in federation.of_kind("Site") if isinstance(spec, SiteSpec)}
        storages = {f"{site}/{s.name}": s for site, spec in sites.items() for s in spec.storage}
        return cls(sites, tuple(sorted(storages)), storages)

    def storage(self, name: str) -> Storage | None:
        """The storage of that name, ``site/storage``."""
        return self._storages.get(name)

    def link(self, source: str, target: str) -> Link | None:
        """What is said of the way from one storage to another, by either end; the word on a storage before a site's."""
        said = self._said(source, target) or self._said(target, source)
        return said[0] if said else None

    def distance(self, source: str, target: str) -> Distance:
        """What orders sources of a copy: those that may not be read last, then the distance, then the name.

        Without a link it is 0 at one site, 10 in one country, 20 on one continent, 30 elsewhere; nothing known is 40.
        """
        storage, link = self._storages.get(source), self.link(source, target)
        shut = storage is not None and not storage.availability.read.allowed
        return shut, link.distance if link and link.distance is not None else self._by_map(source, target), source

    def _said(self, near: str, far: str) -> list[Link]:
        storage = self._storages.get(near)
        found = [link for link in storage.links if link.to in (far, far.partition("/")[0])] if storage else []
        return sorted(found, key=lambda link: link.to != far)

    def _by_map(self, source: str, target: str) -> float:
        here, there = source.partition("/")[0], target.partition("/")[0]
        if here == there:
            return 0.0
        one, other = (self.sites[name].country if name in self.sites else None for name in (here, there))
        if one is None or other is None:
            return 40.0
        if one == other:
            return 10.0
        return 20.0 if continent(one) == continent(other) else 30.0
