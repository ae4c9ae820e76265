"""How a rule behaves: it is registered, chooses storages, and brings a Replica along for each of them.

The same rule in the same federation always chooses the same storages; each that was left out has its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

from reconciler.kinds.base import Derived, Federation, OpenChoice, Rule
from reconciler.kinds.datasetrule.candidates import FIELD, open_choices
from reconciler.kinds.datasetrule.copies import files_of, held, source_of
from reconciler.kinds.datasetrule.places import Gazetteer
from reconciler.kinds.datasetrule.rules import RULES, quarrels
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.replica import ReplicaFile, ReplicaSpec, StorageRef, StorageSource
from reconciler.kinds.replica.rules import Quarrel
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.when import Lifetime
from reconciler.kinds.world import World
from reconciler.model import Edge, Ref, Resource


class DatasetRuleKind(Registered[DatasetRuleSpec]):
    """Copies of data, kept."""

    name = "DatasetRule"
    plural = "datasetrules"
    Spec = DatasetRuleSpec
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self) -> None:
        self._gazetteer = Gazetteer()

    def canonical(self, spec: DatasetRuleSpec) -> DatasetRuleSpec:
        """Files in the order of their paths, what was chosen in order, checksums in lower case."""
        files = tuple(sorted((_lower(file) for file in spec.files), key=lambda file: file.path))
        chosen = tuple(sorted(spec.chosen))
        by_file = {path: tuple(sorted(names)) for path, names in spec.chosenFiles.items()}
        return spec.model_copy(update={"files": files, "chosen": chosen, "chosenFiles": by_file})

    def references(self, ref: Ref, spec: DatasetRuleSpec) -> Iterable[Edge]:  # noqa: ARG002
        if spec.vo is not None:
            yield Edge(Ref.of("VO", vo_name(spec.vo)), "exists", "spec.vo")
        sites = {name.partition("/")[0]: "spec.chosen" for name in _everywhere(spec)}
        if isinstance(spec.source, StorageSource):
            sites[spec.source.site] = "spec.source.site"
        for site, path in sorted(sites.items()):
            yield Edge(Ref.of("Site", site), "exists", path)

    def lifetime(self, spec: DatasetRuleSpec) -> Lifetime | None:
        return spec.lifetime

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[Quarrel]:
        return quarrels(resources, changed)

    def choices(
        self,
        ref: Ref,  # noqa: ARG002
        spec: DatasetRuleSpec,
        federation: Federation,
        world: World,  # noqa: ARG002
    ) -> Sequence[OpenChoice]:
        return open_choices(spec, held(federation, spec.dataset), self._gazetteer.places(federation))

    def chosen(self, spec: DatasetRuleSpec, picks: Mapping[str, tuple[str, ...]]) -> DatasetRuleSpec:
        if FIELD in picks:
            return spec.model_copy(update={"chosen": picks[FIELD]})
        by_file = {field.removeprefix(f"{FIELD}:"): names for field, names in picks.items()}
        return spec.model_copy(update={"chosenFiles": by_file})

    def derive(self, ref: Ref, spec: DatasetRuleSpec, federation: Federation) -> Iterable[Derived]:
        """A Replica for each storage chosen, unless one is declared there by hand."""
        copies = held(federation, spec.dataset)
        files, source = files_of(spec, copies), source_of(ref, spec, copies, self._gazetteer.places(federation))
        there = {str(copy.spec.storage) for copy in copies}
        for name in sorted(_everywhere(spec) - there):
            own = _files_at(spec, files, name)
            if own:
                site, _, storage = name.partition("/")
                replica = ReplicaSpec(
                    storage=StorageRef(site=site, name=storage),
                    dataset=spec.dataset,
                    path=spec.path,
                    files=own,
                    source=source,
                    rules=(str(ref),),
                )
                yield Derived("Replica", f"{ref.name}.{site}.{storage}", replica)


def _everywhere(spec: DatasetRuleSpec) -> set[str]:
    return {*spec.chosen, *(name for names in spec.chosenFiles.values() for name in names)}


def _files_at(spec: DatasetRuleSpec, files: Sequence[ReplicaFile], name: str) -> tuple[ReplicaFile, ...]:
    if spec.grouping != "NONE" or spec.chosen:
        return tuple(files)
    return tuple(file for file in files if name in spec.chosenFiles.get(file.path, ()))


def _lower(file: ReplicaFile) -> ReplicaFile:
    return file.model_copy(update={"checksum": file.checksum.lower()}) if file.checksum else file
