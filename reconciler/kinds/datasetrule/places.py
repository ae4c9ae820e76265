"""The storages of a federation as expressions see them, indexed once for all rules."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.kinds.base import Federation
from reconciler.kinds.datasetrule.expression import Storages, Value
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.storage import Storage


@dataclass(frozen=True, slots=True)
class Place:
    """One storage with its site."""

    site_name: str
    site: SiteSpec
    storage: Storage

    @property
    def name(self) -> str:
        """``site/storage``."""
        return f"{self.site_name}/{self.storage.name}"

    def attributes(self) -> dict[str, Value]:
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
            "ngi": site.ngi,
            "tier": site.tier,
        }
        names: dict[str, Value] = {self.site_name: True, storage.name: True, self.name: True}
        said = {key: value for key, value in stated.items() if value is not None}
        return {**said, **storage.attributes, **names}


@dataclass(frozen=True, slots=True)
class Places:
    """All storages of a federation."""

    by_name: Mapping[str, Place]
    storages: Storages


class Gazetteer:
    """Remembers the places of the federation looked at last: many rules ask for the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sites: tuple[tuple[str, SiteSpec], ...] = ()
        self._places = Places({}, Storages.of({}))

    def places(self, federation: Federation) -> Places:
        """Every storage of every site declared."""
        sites = tuple((ref.name, spec) for ref, spec in federation.of_kind("Site") if isinstance(spec, SiteSpec))
        with self._lock:
            if sites != self._sites or not sites:
                found = [Place(name, site, storage) for name, site in sites for storage in site.storage]
                by_name = {place.name: place for place in found}
                self._places = Places(by_name, Storages.of({n: p.attributes() for n, p in by_name.items()}))
                self._sites = sites
            return self._places
