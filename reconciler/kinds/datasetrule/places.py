"""The storages of a federation as expressions see them, and what limits them; indexed once for all rules."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.kinds.base import Federation
from reconciler.kinds.expression import Expression, Storages, Value
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.country import continent
from reconciler.kinds.site.storage import Storage
from reconciler.kinds.vo import VOSpec


@dataclass(frozen=True)
class Place:
    """One storage with its site."""

    site_name: str
    site: SiteSpec
    storage: Storage

    @cached_property
    def name(self) -> str:
        """``site/storage``."""
        return f"{self.site_name}/{self.storage.name}"

    @cached_property
    def services(self) -> frozenset[str]:
        """Names of the site's services that run on the storage's own hosts."""
        return self.site.services_at(*filter(None, (self.storage.url, *self.storage.endpoints.values())))

    @cached_property
    def attributes(self) -> Mapping[str, Value]:
        """What expressions select by. What the storage states itself wins over what follows from its site."""
        site, storage = self.site, self.storage
        stated = {
            "site": self.site_name,
            "storage": storage.name,
            "type": storage.type,
            "protocol": storage.protocol,
            "qos": storage.qos,
            "class": storage.qos,
            "country": site.country,
            "continent": continent(site.country) if site.country else None,
            "ngi": site.ngi,
            "tier": site.tier,
        }
        names: dict[str, Value] = {self.site_name: True, storage.name: True, self.name: True}
        said = {key: value for key, value in stated.items() if value is not None}
        return {**said, **storage.attributes, **names}


@dataclass(frozen=True)
class Share:
    """What all storages that an expression describes may hold together of one VO's data, bytes."""

    vo: str
    locations: str
    storages: frozenset[str]
    limit: int


@dataclass(frozen=True)
class Places:
    """All storages of a federation."""

    by_name: Mapping[str, Place]
    storages: Storages
    _federation: Federation | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, federation: Federation) -> Places:
        """Look at every site."""
        sites = ((ref.name, spec) for ref, spec in federation.of_kind("Site") if isinstance(spec, SiteSpec))
        found = [Place(name, site, storage) for name, site in sites for storage in site.storage]
        by_name = {place.name: place for place in found}
        return cls(by_name, Storages.of({name: place.attributes for name, place in by_name.items()}), federation)

    @cached_property
    def shares(self) -> Mapping[str, Sequence[Share]]:
        """VO -> what is said of several storages together."""
        return {vo: tuple(shares) for vo, shares in self._shares()} if self._federation else {}

    def _shares(self) -> Iterator[tuple[str, Iterator[Share]]]:
        assert self._federation is not None  # noqa: S101 (asked only then)
        for ref, spec in self._federation.of_kind("VO"):
            if isinstance(spec, VOSpec) and spec.storageQuotas:
                yield (
                    ref.name,
                    (
                        Share(ref.name, q.locations, Expression.parse(q.locations).matching(self.storages), q.maxBytes)
                        for q in spec.storageQuotas
                    ),
                )

    @cached_property
    def by_hand(self) -> Mapping[str, int]:
        """Storage -> bytes of the Replicas that are declared there by hand."""
        found: Counter[str] = Counter()
        for _, spec in self._federation.of_kind("Replica") if self._federation else ():
            if isinstance(spec, ReplicaSpec) and spec.fileset is None:
                found[str(spec.storage)] += sum(file.size or 0 for file in spec.parts())
        return found


class Gazetteer:
    """Remembers the places of the federation looked at last: many rules ask for the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._federation: Federation | None = None
        self._places = Places({}, Storages.of({}))

    def places(self, federation: Federation) -> Places:
        """Every storage of every site declared."""
        with self._lock:
            if federation is not self._federation:
                self._federation, self._places = federation, Places.of(federation)
            return self._places
