"""The Replicas that datasets bring along: one for each storage that some rule chose, shared by all that chose it.

A rule that nothing can be decided for holds what it held, as far as there is such a storage. What goes away is still a
source while it stands. Data keeps its name: copies of a dataset that is called otherwise now stay as they were applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from reconciler.kinds.base import Derived, Federation
from reconciler.kinds.dataset.content import filed
from reconciler.kinds.dataset.distance import Atlas
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.replica import Fileset, Lies, ReplicaSpec, StorageRef
from reconciler.kinds.world import World
from reconciler.model import Choice, Ref
from reconciler.ports import Files


class Rule(Protocol):
    """A DatasetRule, as far as it matters here."""

    @property
    def placed(self) -> Mapping[str, Mapping[str, Fileset]]:
        """Dataset -> storage -> which of its files."""
        ...

    @property
    def priority(self) -> int:
        """Of its transfers."""
        ...

    @property
    def activity(self) -> str | None:
        """What they are for."""
        ...

    @property
    def purge(self) -> bool:
        """Whether its copies go at once when it ends."""
        ...

    def may_read(self, storage: str) -> bool:
        """Whether copies for it may be read from a storage; filled in with the rest."""
        ...


@dataclass
class _Copy:
    """What rules want of one dataset at one storage."""

    rules: list[Ref] = field(default_factory=list)
    parts: dict[str, Fileset] = field(default_factory=dict)


def replica_name(dataset: Ref, storage: str) -> str:
    """Name of the Replica of a dataset at a storage: ``<dataset>.<site>.<storage>``, in the dataset's namespace."""
    return f"{dataset.name}.{storage.replace('/', '.')}"


def replica_ref(dataset: Ref, storage: str) -> Ref:
    """The Replica of a dataset at a storage."""
    return Ref(f"Replica/{dataset.partition('/')[2]}.{storage.replace('/', '.')}")


def misnamed(ref: Ref, spec: DatasetSpec, federation: Federation, world: World) -> Choice | None:
    """Why nothing is decided for a dataset with copies that it would let go of if it were what it says now."""
    before = _otherwise(ref, spec, world)
    if before is None or not holds(ref, before.dataset, federation, world):
        return None
    if before.dataset == spec.dataset:
        said = f"its copies are of {spec.dataset} with files of its own, and it is a container now"
        cure = f"declare another Dataset for the container, or give {spec.dataset} its files back"
        return Choice(ref, "datasets", (), f"{said}: {cure}")
    said = f"its copies are of {before.dataset}, and it is called {spec.dataset} now: data keeps its name"
    cure = f"declare another Dataset (with another metadata.name) for {spec.dataset}, or give the name back"
    return Choice(ref, "name", (), f"{said}; {cure}")


def holds(ref: Ref, dataset: str, federation: Federation, world: World) -> bool:
    """Whether copies of data of that name stand that the Dataset ``ref`` has brought along."""
    return any(_held(ref, dataset, Atlas.of(federation), world))


def _otherwise(ref: Ref, spec: DatasetSpec, world: World) -> DatasetSpec | None:
    """A dataset as it was applied, where it had another name, or files that a container has not."""
    before = world.applied(ref)
    if not isinstance(before, DatasetSpec) or before.datasets:
        return None
    return before if before.dataset != spec.dataset or spec.datasets else None


def _held(ref: Ref, dataset: str, atlas: Atlas, world: World) -> Iterator[tuple[str, ReplicaSpec]]:
    """(storage, Replica as it was applied) for each copy of data that stands under a dataset's name."""
    for storage in atlas.names:
        held = world.applied(replica_ref(ref, storage))
        if isinstance(held, ReplicaSpec) and held.many and (held.dataset, str(held.storage)) == (dataset, storage):
            yield storage, held


def brought(federation: Federation, world: World) -> Iterator[tuple[Ref, Derived]]:
    """(dataset, Replica) for everything that is wanted, in the order of the datasets' names."""
    atlas = Atlas.of(federation)
    declared = frozenset(atlas.names)
    rules, wanted = _wanted(federation, world)
    standing = _standing(world, atlas)
    for ref, found in federation.of_kind("Dataset"):
        spec = cast("DatasetSpec", found)
        copies = {name: copy for name, copy in wanted.get(spec.dataset, {}).items() if name in declared}
        if spec.datasets or spec.fileset is None:
            yield from _kept(ref, spec, copies, atlas, world)
            continue
        lying = {str(spec.listing)} if spec.listing else set()
        lying |= spec.in_place.keys() & declared
        copies = {**copies, **{name: copies.get(name, _Copy()) for name in lying}}
        going = [name for name in standing.get(ref, ()) if name not in copies]
        for storage in sorted(copies):
            files, fileset = _files(spec, copies[storage], world, whole=storage in lying)
            held = {name: rules[name] for name in copies[storage].rules}
            allowed = [name for name in (*copies, *going) if _allowed(name, held.values())]
            made = _replica(spec, storage, fileset, held, _sources(spec, storage, allowed, atlas))
            yield ref, Derived("Replica", replica_name(ref, storage), made, files=files)


def _wanted(federation: Federation, world: World) -> tuple[Mapping[Ref, Rule], Mapping[str, Mapping[str, _Copy]]]:
    """Every rule, and dataset -> storage -> what is wanted there."""
    rules: dict[Ref, Rule] = {}
    found: dict[str, dict[str, _Copy]] = defaultdict(lambda: defaultdict(_Copy))
    for ref, spec in federation.of_kind("DatasetRule"):
        rule = cast("Rule", spec)
        if not rule.placed and not getattr(spec, "by", None):
            rule = cast("Rule", world.applied(ref) or spec)
        rules[ref] = rule
        for dataset, places in rule.placed.items():
            for storage, fileset in places.items():
                copy = found[dataset][storage]
                copy.rules.append(ref)
                copy.parts[fileset.digest] = fileset
    return rules, found


def _standing(world: World, atlas: Atlas) -> Mapping[Ref, list[str]]:
    """Dataset -> storages at which a Replica of it was applied."""
    suffixes = {f".{name.replace('/', '.')}": name for name in atlas.names}
    found: dict[Ref, list[str]] = defaultdict(list)
    for ref in world.known:
        if not ref.startswith("Replica/"):
            continue
        for at in (n for n, letter in enumerate(ref) if letter == "."):
            name = suffixes.get(ref[at:])
            if name is not None:
                found[Ref(f"Dataset/{ref[len('Replica/') : at]}")].append(name)
    return found


def _files(spec: DatasetSpec, copy: _Copy, world: World, *, whole: bool) -> tuple[Files | None, Fileset]:
    """The files of all parts together, and what stands for them."""
    assert spec.fileset is not None  # noqa: S101 (looked at by the caller)
    if whole or spec.fileset.digest in copy.parts:
        return None, spec.fileset
    if len(copy.parts) == 1:
        return None, next(iter(copy.parts.values()))
    known = [files for digest in sorted(copy.parts) if (files := world.files(digest)) is not None]
    if len(known) < len(copy.parts):
        return None, max(copy.parts.values(), key=lambda part: (part.count, part.digest))
    urls = {path: url for files in known for path, url in files.urls.items()}
    together = Files.of((file for files in known for file in files), urls)
    return together, filed(together)


def _replica(
    spec: DatasetSpec, storage: str, fileset: Fileset, rules: Mapping[Ref, Rule], sources: tuple[str, ...]
) -> ReplicaSpec:
    site, _, name = storage.partition("/")
    origin, lies = spec.listing is not None and str(spec.listing) == storage, spec.in_place.get(storage)
    return ReplicaSpec(
        storage=StorageRef(site=site, name=name),
        dataset=spec.dataset,
        path=spec.listing.path if origin and spec.listing else None,
        fileset=fileset,
        whole=spec.fileset.digest if spec.fileset and spec.fileset.digest != fileset.digest else None,
        sources=sources,
        rules=tuple(sorted(rules)),
        priority=max((rule.priority for rule in rules.values()), default=3),
        activity=_activity(rules.values()),
        purge=any(rule.purge for rule in rules.values()),
        origin=origin or lies is not None,
        lies=lies,
    )


def _activity(rules: Iterable[Rule]) -> str | None:
    """That of the most urgent rule which gives one."""
    given = [(-rule.priority, rule.activity) for rule in rules if rule.activity]
    return min(given)[1] if given else None


def _allowed(storage: str, rules: Collection[Rule]) -> bool:
    """Whether any of the rules may read there; a copy that no rule holds may be mended from anywhere."""
    return not rules or any(rule.may_read(storage) for rule in rules)


def _sources(spec: DatasetSpec, target: str, names: Iterable[str], atlas: Atlas) -> tuple[str, ...]:
    """Where else the files lie, nearest first; with the folder or the naming where that is not the usual one."""
    others = sorted({*names} - {target}, key=lambda name: atlas.distance(name, target))
    lies = spec.in_place
    if spec.listing is not None:
        lies = {**lies, str(spec.listing): Lies(path=spec.listing.path)}
    return tuple(lies[name].source(name, spec.dataset) if name in lies else name for name in others)


def _kept(
    ref: Ref, spec: DatasetSpec, copies: Mapping[str, _Copy], atlas: Atlas, world: World
) -> Iterator[tuple[Ref, Derived]]:
    """Copies of a dataset for which nothing could be decided: as they were applied."""
    before = _otherwise(ref, spec, world)
    if before is not None:
        for storage, replica in _held(ref, before.dataset, atlas, world):
            yield ref, Derived("Replica", replica_name(ref, storage), replica)
        return
    for storage in sorted(() if spec.datasets else copies):
        held = world.applied(replica_ref(ref, storage))
        if held is not None:
            yield ref, Derived("Replica", replica_name(ref, storage), held)
