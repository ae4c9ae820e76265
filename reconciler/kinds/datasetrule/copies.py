"""Copies that exist without the rule: Replicas of the same dataset that were declared by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.kinds.base import Federation
from reconciler.kinds.datasetrule.expression import Expression
from reconciler.kinds.datasetrule.places import Places
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.replica import ReplicaFile, ReplicaSpec, Source, StorageSource
from reconciler.model import Ref


@dataclass(frozen=True, slots=True)
class Held:
    """A declared Replica of a dataset."""

    ref: Ref
    spec: ReplicaSpec


def held(federation: Federation, dataset: str) -> tuple[Held, ...]:
    """Every whole copy of the dataset that is declared and not made by a rule, in the order of their names."""
    replicas = federation.of_kind("Replica")
    return tuple(
        Held(ref, spec)
        for ref, spec in replicas
        if isinstance(spec, ReplicaSpec) and spec.dataset == dataset and spec.files and not spec.rules
    )


def files_of(spec: DatasetRuleSpec, copies: Sequence[Held]) -> tuple[ReplicaFile, ...]:
    """The rule's own files, or those of the first declared copy (they come from there, not from its sources)."""
    if spec.files or not copies:
        return spec.files
    return tuple(file.model_copy(update={"source": None}) for file in copies[0].spec.files)


def source_of(ref: Ref, spec: DatasetRuleSpec, copies: Sequence[Held], places: Places) -> Source | None:
    """The rule's own source, or the first declared copy that may be read and that ``sourceLocations`` allows."""
    if spec.source is not None:
        return spec.source
    allowed = Expression.parse(spec.sourceLocations).matching(places.storages) if spec.sourceLocations else None
    for copy in copies:
        name = str(copy.spec.storage)
        place = places.by_name.get(name)
        if (
            place is None
            or not place.storage.availability.read.allowed
            or (allowed is not None and name not in allowed)
        ):
            continue
        called = copy.ref.name if copy.ref.namespace == ref.namespace else f"{copy.ref.namespace}/{copy.ref.name}"
        where = copy.spec.storage
        return StorageSource(site=where.site, storage=where.name, path=copy.spec.folder, replica=called)
    return None
