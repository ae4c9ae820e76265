"""What must hold for a replica beyond its types, alone and beside others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

import orjson

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.replica.spec import ReplicaSpec, StorageSource, folder_of
from reconciler.kinds.site import SiteSpec
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

Quarrel = tuple[Ref, str, Fault]


def _unverified(_ref: Ref, spec: ReplicaSpec) -> Iterator[Fault]:
    for n, file in enumerate(spec.files):
        if file.checksum is None:
            yield Fault(f"spec.files[{n}]", "a copy cannot be verified without a checksum", "add checksum")
    if not spec.files and spec.checksum is None:
        yield Fault("spec", "a copy cannot be verified without a checksum", "add checksum")


def _own_source(_ref: Ref, spec: ReplicaSpec) -> Iterator[Fault]:
    source = spec.source
    if not isinstance(source, StorageSource) or (source.site, source.storage) != (spec.storage.site, spec.storage.name):
        return
    if source.path == (spec.folder or spec.path):
        yield Fault("spec.source", "it is its own source", "name another storage or path")


RULES = (
    Rule("replica-unverified", "A file has a checksum to verify its copies by.", _unverified, "warning"),
    Rule("replica-own-source", "A replica is copied from another place.", _own_source),
    Rule("replica-storage", "A replica lies on, and comes from, a storage that its site declares.", between),
    Rule("replica-declared-once", "A file at a storage is declared by one replica.", between),
)


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """What is wrong between replicas and sites, as far as ``changed`` touches it.

    Contents are read as plain JSON: a federation has many replicas, and typing each of them takes most of the time.
    """
    sites = any(ref.startswith("Site/") for ref in changed)
    mine = {ref for ref in changed if ref.startswith("Replica/") and ref in resources}
    if not sites and not mine:
        return
    replicas = {ref: held for ref, held in resources.items() if ref.startswith("Replica/")}
    contents = {ref: orjson.loads(replicas[ref].content) for ref in (replicas if sites else mine)}
    declared = Declarations(resources)
    for ref in sorted(contents):
        yield from declared.lacking(ref, _storages(contents[ref]), "replica-storage")
    targets = {replicas[ref].target for ref in mine}
    beside = {ref: held for ref, held in replicas.items() if held.target in targets}
    contents.update((ref, orjson.loads(held.content)) for ref, held in beside.items() if ref not in contents)
    yield from _twice(beside, contents, mine)


class Declarations:
    """The storages that sites declare, each site read once."""

    def __init__(self, resources: Mapping[Ref, Resource]) -> None:
        self._resources = resources
        self._names: dict[str, list[str] | None] = {}

    def lacking(self, ref: Ref, named: Mapping[str, tuple[str, str]], rule: str) -> Iterator[Quarrel]:
        """A fault for each storage named that its site does not declare; ``named`` is path -> (site, storage)."""
        for path, (site, storage) in named.items():
            names = self._storages(site)
            if names is None or storage in names:
                continue
            cure = meant(storage, names, f"it has {', '.join(names) or 'none'}: add it to the site")
            yield ref, rule, Fault(path, f"the site {site} has no storage {storage}", cure)

    def _storages(self, site: str) -> list[str] | None:
        """Names of a site's storages; None for a site that is not declared, which is a dangling reference."""
        if site not in self._names:
            held = self._resources.get(Ref.of("Site", site))
            spec = held.spec if held is not None else None
            self._names[site] = [s.name for s in spec.storage] if isinstance(spec, SiteSpec) else None
        return self._names[site]


def _storages(content: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    storage, source = content["storage"], content.get("source")
    found = {"spec.storage.name": (storage["site"], storage["name"])}
    if isinstance(source, dict):
        found["spec.source.storage"] = (source["site"], source["storage"])
    return found


def _twice(
    replicas: Mapping[Ref, Resource], contents: Mapping[Ref, Mapping[str, Any]], changed: Set[Ref]
) -> Iterator[Quarrel]:
    """One fault for each pair of replicas with a file in common, told of the second."""
    first: dict[tuple[str, str], Ref] = {}
    told = set()
    for ref in sorted(replicas):
        for path in _paths(contents[ref]):
            holder = first.setdefault((replicas[ref].target, path), ref)
            if holder == ref or (holder, ref) in told or not changed & {holder, ref}:
                continue
            told.add((holder, ref))
            cure = "declare it once, or give another path"
            yield ref, "replica-declared-once", Fault("spec", f"{path} is declared by {holder} already", cure)


def _paths(content: Mapping[str, Any]) -> list[str]:
    """The paths of ``ReplicaSpec.parts``, of a content not yet typed."""
    files = content.get("files")
    if not files and not content.get("fileset"):
        return [content["path"]]
    if content.get("lies"):
        return []
    folder = content.get("path") or folder_of(content["dataset"])
    if not files:
        return [f"{folder}/"]
    return [f"{folder}/{file['path']}" for file in files]
