"""What a rule is about: the datasets behind its name, and how much of them lies where already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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

    def there(self, storage: str, world: World) -> int:
        """Bytes of it at a storage: as it was applied, or as rules decided before this one will have it."""
        held = world.applied(replica_ref(self.ref, storage))
        here = world.locked.data.get(self.name, {}).get(storage, 0)
        if isinstance(held, ReplicaSpec) and held.dataset == self.name and held.fileset is not None:
            return max(here, min(held.fileset.bytes, self.fileset.bytes))
        return here

    def stands(self, storage: str, world: World) -> bool:
        """Whether anything of it lies at a storage, also where sizes are not known."""
        return storage in world.locked.data.get(self.name, {}) or bool(world.applied(replica_ref(self.ref, storage)))

    def standing(self, storage: str, world: World) -> Files | None:
        """Its files at a storage, as they were applied."""
        held = world.applied(replica_ref(self.ref, storage))
        known = isinstance(held, ReplicaSpec) and held.dataset == self.name and held.fileset is not None
        return world.files(held.fileset.digest) if known else None  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Group:
    """Datasets that are kept together, with what has to be known to choose for them."""

    name: str
    """"" where a rule has one group alone."""
    leaves: tuple[Leaf, ...]

    @property
    def bytes(self) -> int:
        """Of all files whose size is known."""
        return sum(leaf.fileset.bytes for leaf in self.leaves)

    def there(self, storage: str, world: World) -> float:
        """Which part of it lies at a storage: 0..1."""
        total = self.bytes
        if total:
            return sum(leaf.there(storage, world) for leaf in self.leaves) / total
        return sum(leaf.stands(storage, world) for leaf in self.leaves) / len(self.leaves)


def leaves_of(spec: DatasetRuleSpec, datasets: Datasets) -> tuple[list[Leaf], str]:
    """The datasets behind a rule's name; or why they are not known."""
    found = datasets.leaves(spec.dataset)
    unknown = [name for name, _, one in found if one.fileset is None]
    if unknown:
        return [], f"it is not known which files {unknown[0]} has"
    if not found:
        return [], f"no Dataset is called {spec.dataset}, or it is empty"
    made = [
        Leaf(name, ref, one.fileset, spec.vo or one.vo or "") for name, ref, one in found if one.fileset is not None
    ]
    return made, ""


def groups_of(spec: DatasetRuleSpec, leaves: Sequence[Leaf]) -> Iterator[Group]:
    """What is chosen for together: each dataset of a container, or all of them."""
    if spec.grouping == "DATASET" and (len(leaves) > 1 or leaves[0].name != spec.dataset):
        yield from (Group(leaf.name, (leaf,)) for leaf in leaves)
    else:
        yield Group("", tuple(leaves))
