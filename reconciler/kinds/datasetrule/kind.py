"""How a rule behaves: it is registered, chooses storages, and brings a Replica along for each of them.

The same rule in the same federation always chooses the same storages; each that was left out has its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from reconciler.kinds.base import Derived, Fault, Federation, OpenChoice, Rule
from reconciler.kinds.datasetrule.candidates import FIELD, open_choices
from reconciler.kinds.datasetrule.copies import files_of, held, source_of
from reconciler.kinds.datasetrule.expression import Expression, is_number
from reconciler.kinds.datasetrule.places import Gazetteer
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.replica import ReplicaFile, ReplicaSpec, StorageRef, StorageSource
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Edge, Ref


def _numbers(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for field in ("locations", "sourceLocations"):
        for term in Expression.parse(getattr(spec, field) or "*").terms:
            if term.comparison in ("<", "<=", ">", ">=") and not is_number(term.value):
                yield Fault(f"spec.{field}", f"{term} never holds: {term.value} is no number", "compare with a number")


def _unverified(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for n, file in enumerate(spec.files):
        if file.checksum is None:
            yield Fault(f"spec.files[{n}]", "a copy cannot be verified without a checksum", "add checksum")


def _named_once(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, file in enumerate(spec.files):
        if file.path in seen:
            yield Fault(f"spec.files[{n}].path", f"the file {file.path} stands twice", "name each file once")
        seen.add(file.path)


def _enough_chosen(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    if spec.chosen and len(set(spec.chosen)) != spec.copies:
        said = f"{len(set(spec.chosen))} storages are chosen for {spec.copies} copies"
        yield Fault("spec.chosen", said, "leave chosen out, or name as many as copies")


class DatasetRuleKind(Registered[DatasetRuleSpec]):
    """Copies of data, kept."""

    name = "DatasetRule"
    plural = "datasetrules"
    Spec = DatasetRuleSpec
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("datasetrule-number", "<, <=, > and >= compare with a number.", _numbers, "warning"),
        Rule("datasetrule-unverified", "A file has a checksum to verify its copies by.", _unverified, "warning"),
        Rule("datasetrule-file-once", "A file stands once in a dataset.", _named_once),
        Rule("datasetrule-chosen", "As many storages are chosen by hand as copies are wanted.", _enough_chosen),
    )

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

    def choices(self, ref: Ref, spec: DatasetRuleSpec, federation: Federation) -> Sequence[OpenChoice]:  # noqa: ARG002
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
                    rule=ref.name,
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
