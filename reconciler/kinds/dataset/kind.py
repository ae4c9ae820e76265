"""How a dataset behaves: it is registered, its folder is read, and it brings along the copies that rules want."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from reconciler.errors import Transient
from reconciler.kinds.base import Derived, Federation, Occasion, Rule, Settled
from reconciler.kinds.dataset.brought import brought, misnamed
from reconciler.kinds.dataset.content import about, settled
from reconciler.kinds.dataset.former import Former
from reconciler.kinds.dataset.rules import RULES, quarrels
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.replica import ReplicaFile
from reconciler.kinds.replica.connect import connect, target_id
from reconciler.kinds.replica.rules import Quarrel
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.world import Demand, Listed, Lock, Question, World
from reconciler.model import Answer, Change, Edge, Ref, Resource, Target
from reconciler.ports import Drivers, Files, Listing


class DatasetKind(Registered[DatasetSpec]):
    """Data with a name of its own."""

    name = "Dataset"
    plural = "datasets"
    Spec = DatasetSpec
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self) -> None:
        self._former = Former()

    def canonical(self, spec: DatasetSpec) -> DatasetSpec:
        """Files in the order of their paths, names in order, checksums in lower case."""
        files = tuple(sorted((_lower(file) for file in spec.files), key=lambda file: file.path))
        said = {"files": files, "datasets": tuple(sorted(set(spec.datasets))), "lost": tuple(sorted(set(spec.lost)))}
        copies = tuple(sorted(spec.copies, key=str)) if spec.copies else None
        return spec.model_copy(update={**said, "copies": copies})

    def references(self, ref: Ref, spec: DatasetSpec) -> Iterable[Edge]:  # noqa: ARG002
        if spec.vo is not None:
            yield Edge(Ref.of("VO", vo_name(spec.vo)), "exists", "spec.vo")
        if spec.listing is not None:
            yield Edge(Ref.of("Site", spec.listing.site), "exists", "spec.listing.site")
        for site in sorted({place.site for place in spec.copies or ()}):
            yield Edge(Ref.of("Site", site), "exists", "spec.copies")

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[Quarrel]:
        return quarrels(resources, changed)

    def asks(self, ref: Ref, spec: DatasetSpec, occasion: Occasion) -> Iterable[Question]:  # noqa: ARG002
        """What lies in its folder: in every run, for nobody else would tell that something has come."""
        if spec.listing is not None:
            storage = target_id(spec.listing.site, spec.listing.storage)
            yield Question("files", about(spec), connect(storage, occasion.federation, occasion.drivers))

    def answer(self, question: Question, drivers: Drivers, earlier: Listed | None) -> Listed:
        """Every complete file below the folder."""
        folder = question.about.removeprefix(question.target.id).strip()
        found = drivers.storage(question.target).listing((f"{folder}/",), earlier.token if earlier else "")
        if found.unchanged and earlier is not None:
            return earlier
        if not found.complete:
            raise Transient(f"only a part of {question.target.name} could be read")
        return _listed(found, folder)

    def complete(self, ref: Ref, spec: DatasetSpec, federation: Federation, world: World) -> Settled[DatasetSpec]:
        why = misnamed(ref, spec, federation, world)
        if why is not None:
            return Settled(spec, undecided=why)
        if spec.datasets:
            return Settled(spec)
        found, odd = settled(ref, spec, world), self._former.fault(ref, spec, federation, world)
        return replace(found, faults=(*found.faults, odd)) if odd else found

    def demand(self, ref: Ref, spec: DatasetSpec, world: World) -> Demand:  # noqa: ARG002
        """What lies somewhere by itself takes room there, and nobody's quota."""
        if spec.fileset is None:
            return Demand()
        size = spec.fileset.bytes
        return Demand(locks=tuple(Lock(name, spec.dataset, size, size) for name in _lying(spec)))

    def gather(self, federation: Federation, world: World) -> Iterable[tuple[Ref, Derived]]:
        """One Replica for each storage that a rule chose for a dataset, and one where it comes from."""
        return brought(federation, world)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        """Which files a dataset has is written down before anything rests on it."""
        for change in changes:
            if isinstance(change.spec, DatasetSpec) and change.spec.fileset is not None:
                drivers.catalogue.keep(change.spec.fileset.digest)
        return super().put(target, changes, drivers)


def _lying(spec: DatasetSpec) -> Iterator[str]:
    """Storages where its files lie by themselves."""
    if spec.listing is not None:
        yield str(spec.listing)
    yield from spec.in_place


def _lower(file: ReplicaFile) -> ReplicaFile:
    return file.model_copy(update={"checksum": file.checksum.lower()}) if file.checksum else file


def _listed(found: Listing, folder: str) -> Listed:
    """What lies in a folder, as columns; ``adler32`` where a file has several checksums."""
    start = f"{folder}/"
    rows = [found.files[path] for path in sorted(found.files) if path.startswith(start)]
    paths = tuple(row.path[len(start) :] for row in rows)
    sums = tuple(min(row.checksums, default="") for row in rows)
    files = Files(paths, array("q", (row.size for row in rows)), sums)
    written = array("d", (row.modified.timestamp() if row.modified else 0.0 for row in rows))
    bare = sums.count("")
    odd = f"{bare} of {len(rows)} files have no checksum at their source: copies cannot be verified" if bare else ""
    return Listed(files, found.token, odd, written)
