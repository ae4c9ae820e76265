"""Where the data of a rule lies, or will lie: bytes at each site, as the world shows and the manifests say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.kinds.world import World
from reconciler.model import Ref, Spec
from reconciler.model.amounts import duration, size

_LONG = 600.0
"""Seconds of transfer that count as much as having half of the data."""


class File(Protocol):
    """A file of a dataset."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int | None: ...


class Fileset(Protocol):
    """Files of a dataset, by what stands for them."""

    @property
    def count(self) -> int: ...
    @property
    def bytes(self) -> int: ...


class Dataset(Protocol):
    """Data with a name."""

    @property
    def dataset(self) -> str: ...
    @property
    def fileset(self) -> Fileset | None: ...


class Rule(Protocol):
    """A DatasetRule."""

    @property
    def dataset(self) -> str: ...
    @property
    def placed(self) -> Mapping[str, Mapping[str, Fileset]]:
        """Dataset -> storage -> which of its files."""
        ...

    @property
    def replicas(self) -> Sequence[str]: ...


class Storage(Protocol):
    """A storage of a site."""

    @property
    def site(self) -> str: ...


class Replica(Protocol):
    """A copy of a dataset."""

    @property
    def storage(self) -> Storage: ...
    @property
    def dataset(self) -> str | None: ...
    @property
    def fileset(self) -> Fileset | None: ...
    def parts(self) -> Iterable[File]: ...


@dataclass(frozen=True, slots=True)
class Near:
    """How much of the data is at one site."""

    share: float = 0.0
    """The part that is there, or that its rule brings there anyway: 0..1."""
    there: int = 0
    """Bytes that were seen there."""
    total: int = 0
    """Bytes of the whole; 0 when no sizes are known."""

    def seconds(self, bytes_per_second: float) -> float:
        """How long the rest would take to come."""
        return (1 - self.share) * self.total / bytes_per_second

    def worth(self, bytes_per_second: float) -> float:
        """0..1: what is there counts in full, the rest the less the longer it takes to come."""
        if not self.total:
            return self.share
        return self.share + (1 - self.share) * _LONG / (_LONG + self.seconds(bytes_per_second))

    def said(self, bytes_per_second: float) -> str:
        """``holds 12.0 GB of 16.0 GB of the data, the rest in about 40 s at 100 MB/s``."""
        if not self.total:
            return f"holds {self.share:.0%} of the data" if self.share else ""
        verb = "holds" if self.there >= self.share * self.total else "will hold"
        part = f"{verb} {size(self.share * self.total)} of {size(self.total)} of the data"
        if self.share >= 1:
            return part
        rest = f"in about {duration(self.seconds(bytes_per_second))} at {bytes_per_second / 1e6:g} MB/s"
        return f"{part}, the rest {rest}" if self.share else f"{size(self.total)} of data to come {rest}"


def data_at(federation: Federation, ref: Ref, near: str | None, world: World) -> Mapping[str, Near]:
    """Site -> how much of the rule's data its storages hold or will hold; empty when nothing is known of the rule."""
    found = federation.get(rule_ref(ref, near)) if near else None
    if found is None:
        return {}
    rule = cast("Rule", found)
    total, share = _placed(rule, federation)
    there: dict[str, int] = defaultdict(int)
    for name, spec in _copies(rule, federation, world):
        copy = cast("Replica", spec)
        part = min(1.0, _bytes(copy) / total) if total and _bytes(copy) else 1.0
        share[copy.storage.site] = max(share.get(copy.storage.site, 0.0), part)
        seen = world.stands(name) or (world.applied(name) if copy.fileset else None)
        if seen is not None:
            there[copy.storage.site] = max(there[copy.storage.site], _bytes(cast("Replica", seen)))
    return defaultdict(
        lambda: Near(total=total), {site: Near(part, there[site], total) for site, part in share.items()}
    )


def _placed(rule: Rule, federation: Federation) -> tuple[int, dict[str, float]]:
    """Bytes of the rule's data, and site -> which part of it the rule keeps there."""
    datasets = {cast("Dataset", s).dataset: cast("Dataset", s).fileset for _, s in federation.of_kind("Dataset")}
    whole = [held for name in rule.placed or (rule.dataset,) if (held := datasets.get(name)) is not None]
    total, count = sum(held.bytes for held in whole), sum(held.count for held in whole)
    found: dict[str, float] = defaultdict(float)
    for there in rule.placed.values():
        for place, part in there.items():
            found[_site(place)] += part.bytes / total if total else part.count / count if count else 0.0
    return total, {site: min(1.0, part) for site, part in found.items()}


def _copies(rule: Rule, federation: Federation, world: World) -> Iterator[tuple[Ref, Spec]]:
    """Copies of the rule's data: declared by hand, and those that it rests on, as they were applied."""
    for ref, spec in federation.of_kind("Replica"):
        if cast("Replica", spec).dataset == rule.dataset:
            yield ref, spec
    for name in rule.replicas:
        held = world.applied(Ref(f"Replica/{name}"))
        if held is not None:
            yield Ref(f"Replica/{name}"), held


def _bytes(copy: Replica) -> int:
    return copy.fileset.bytes if copy.fileset else sum(file.size or 0 for file in copy.parts())


def _site(place: str) -> str:
    return place.partition("/")[0]


def rule_ref(ref: Ref, name: str) -> Ref:
    """The DatasetRule that a cluster means by ``name`` or ``namespace/name``."""
    namespace, _, short = name.rpartition("/")
    return Ref.of("DatasetRule", short, namespace or ref.namespace)
