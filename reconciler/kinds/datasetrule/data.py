"""What a rule is about: the datasets behind its name, and how much of them lies where already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.kinds.dataset.brought import replica_ref
from reconciler.kinds.dataset.index import Datasets
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.replica import Fileset, ReplicaSpec
from reconciler.kinds.world import World
from reconciler.model import Ref
from reconciler.ports import Files


@dataclass(frozen=True, slots=True)
class Leaf:
    """One dataset with files of its own."""

    name: str
    """``scope:name``."""
    ref: Ref
    fileset: Fileset
    vo: str
    lies: frozenset[str] = frozenset()
    """Storages where all of it lies already, in place."""

    def there(self, storage: str, world: World) -> int | None:
        """Bytes of it at a storage: as it was applied, or as rules decided before this one have it; None: nothing."""
        held = world.applied(replica_ref(self.ref, storage))
        here = world.locked.data.get(self.name, {}).get(storage)
        if not isinstance(held, ReplicaSpec) or held.dataset != self.name or held.fileset is None:
            return here
        return max(here or 0, min(held.fileset.bytes, self.fileset.bytes))

    def standing(self, storage: str, world: World) -> Files | None:
        """Its files at a storage, in place or as they were applied."""
        if storage in self.lies:
            return world.files(self.fileset.digest)
        held = world.applied(replica_ref(self.ref, storage))
        known = isinstance(held, ReplicaSpec) and held.dataset == self.name and held.fileset is not None
        return world.files(held.fileset.digest) if known else None  # type: ignore[union-attr]


@dataclass(frozen=True)
class Group:
    """Datasets that are kept together, with what has to be known to choose for them."""

    name: str
    """"" where a rule has one group alone."""
    leaves: tuple[Leaf, ...]

    @cached_property
    def bytes(self) -> int:
        """Of all files whose size is known."""
        return sum(leaf.fileset.bytes for leaf in self.leaves)

    def there(self, storage: str, world: World) -> tuple[float, int]:
        """Which part of it lies at a storage, 0..1, and how many bytes would have to come."""
        found = [leaf.there(storage, world) for leaf in self.leaves]
        here = [size for size in found if size is not None]
        if not here:
            return 0.0, self.bytes
        part = sum(here) / self.bytes if self.bytes else len(here) / len(found)
        return part, self.bytes - sum(here)


def leaves_of(spec: DatasetRuleSpec, datasets: Datasets) -> tuple[list[Leaf], str]:
    """The datasets behind a rule's name; or why they are not known."""
    found = datasets.leaves(spec.dataset)
    unknown = [name for name, _, one in found if one.fileset is None]
    if unknown:
        return [], f"it is not known which files {unknown[0]} has"
    if not found:
        return [], f"no Dataset is called {spec.dataset}, or it is empty"
    made = [
        Leaf(name, ref, one.fileset, spec.vo or one.vo or "", frozenset(one.in_place))
        for name, ref, one in found
        if one.fileset is not None
    ]
    return made, ""


def groups_of(spec: DatasetRuleSpec, leaves: Sequence[Leaf]) -> Iterator[Group]:
    """What is chosen for together: each dataset of a container, or all of them."""
    if spec.grouping == "DATASET" and (len(leaves) > 1 or leaves[0].name != spec.dataset):
        yield from (Group(leaf.name, (leaf,)) for leaf in leaves)
    else:
        yield Group("", tuple(leaves))
