"""The manifests of a folder as resources, so that what a feed names can be found among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from reconciler.exchange.fedcloud.shelf import Key, Shelf
from reconciler.exchange.gocdb.keys import KEY_NOTE, key_of, service_name
from reconciler.kinds import registry
from reconciler.kinds.downtime import Interval, intervals
from reconciler.kinds.downtime.affected import Places
from reconciler.kinds.vocabulary import Words, words
from reconciler.model import Location, Ref, Resource, encode

Service = tuple[str, str]
"""Site, name of the service."""


def words_of(shelf: Shelf) -> Words:
    """The words that the manifests of a folder may use."""
    return words({one.ref: one for one in _resources(shelf, ("Vocabulary",))})


class Standing:
    """What stands on a shelf; what is not valid is left aside, for validation tells of it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._by_key: dict[str, Service] = {}
        self._by_place: dict[tuple[str, str, str], list[Service]] = {}
        self._anywhere: dict[tuple[str, str], list[Service]] = {}
        for site, one in self._services():
            found = (site, one["name"])
            place = (str(one.get("hostname")), str(one.get("type")))
            self._by_key[one.get("primaryKey") or key_of(service_name(*found), None)] = found
            self._by_place.setdefault((site, *place), []).append(found)
            self._anywhere.setdefault(place, []).append(found)

    def service(self, key: str, site: str, hostname: str, type_: str) -> Service | None:
        """The service that is meant: by its key, or by where it is and what; None when none is, or several are."""
        if key in self._by_key:
            return self._by_key[key]
        found = self._by_place.get((site, hostname, type_)) if site else self._anywhere.get((hostname, type_))
        return found[0] if found and len(found) == 1 else None

    def services(self, key: str, site: str, hostname: str, type_: str) -> set[Service]:
        """All that are meant: that with the key, else every one of a site that is there and of that type."""
        if key in self._by_key:
            return {self._by_key[key]}
        fits = self._by_place.get((site, hostname, type_)) if site else self._anywhere.get((hostname, type_))
        found = set(fits or ())
        return found if len({name for name, _ in found}) == 1 else set()

    def noted(self, kind: str) -> dict[str, str]:
        """GOCDB's key -> the name under which it was imported."""
        notes = {name: self._notes((kind, name)).get(KEY_NOTE, "") for _, name in self._held(kind)}
        return {key: name for name, key in notes.items() if key}

    def own_intervals(self, now: datetime) -> list[Interval]:
        """The stretches of downtimes that were not imported."""
        own = {ref: one for ref, one in self.resources.items() if ref.kind == "Downtime"}
        own = {ref: one for ref, one in own.items() if not self._notes(("Downtime", ref.name)).get(KEY_NOTE)}
        if not own:
            return []
        sites = {ref: one for ref, one in self.resources.items() if ref.kind == "Site"}
        return intervals({**sites, **own}, {}, now)

    @cached_property
    def places(self) -> Places:
        """The sites."""
        return Places(self.resources)

    @cached_property
    def resources(self) -> Mapping[Ref, Resource]:
        """What is valid."""
        return {one.ref: one for one in _resources(self._shelf, ("Site", "Downtime", "ServiceGroup"))}

    def _held(self, kind: str) -> Iterable[Key]:
        return [key for key in self._shelf.held() if key[0] == kind]

    def _notes(self, key: Key) -> Mapping[str, str]:
        return _data(self._shelf, key).get("metadata", {}).get("annotations") or {}

    def _services(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for key in self._held("Site"):
            for one in (_data(self._shelf, key).get("spec") or {}).get("services") or ():
                if isinstance(one, Mapping) and isinstance(one.get("name"), str):
                    yield key[1], one


def _resources(shelf: Shelf, kinds: Collection[str]) -> Iterator[Resource]:
    """What is valid of some kinds."""
    for key in (key for key in shelf.held() if key[0] in kinds):
        data, kind = _data(shelf, key), registry()[key[0]]
        try:
            spec = kind.canonical(kind.Spec.model_validate_json(encode(data.get("spec") or {})))
        except ValidationError:
            continue
        labels = data.get("metadata", {}).get("labels")
        place, decode = Location(shelf.file_of(key), 1), kind.Spec.model_validate_json
        yield Resource(Ref.of(*key), spec.digest(), spec.canonical(), (), "", place, decode, labels=labels)


def _data(shelf: Shelf, key: Key) -> Mapping[str, Any]:
    document = shelf.get(key)
    return document.data if document is not None and isinstance(document.data, dict) else {}
