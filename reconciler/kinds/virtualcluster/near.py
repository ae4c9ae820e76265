"""Where the data of a rule lies, or will lie: bytes at each site, as the world shows and the manifests say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.kinds.world import World
from reconciler.model import Ref

_LONG = 600.0
"""Seconds of transfer that count as much as having half of the data."""


class File(Protocol):
    """A file of a dataset."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int | None: ...


class Rule(Protocol):
    """A DatasetRule."""

    @property
    def dataset(self) -> str: ...
    @property
    def chosen(self) -> Sequence[str]: ...
    @property
    def chosenFiles(self) -> Mapping[str, Sequence[str]]: ...  # noqa: N802
    @property
    def files(self) -> Sequence[File]: ...


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
        part = f"{verb} {_bytes(self.share * self.total)} of {_bytes(self.total)} of the data"
        if self.share >= 1:
            return part
        rest = f"in about {_time(self.seconds(bytes_per_second))} at {bytes_per_second / 1e6:g} MB/s"
        return f"{part}, the rest {rest}" if self.share else f"{_bytes(self.total)} of data to come {rest}"


def data_at(federation: Federation, ref: Ref, near: str | None, world: World) -> Mapping[str, Near]:
    """Site -> how much of the rule's data its storages hold or will hold; empty when nothing is known of the rule."""
    found = federation.get(rule_ref(ref, near)) if near else None
    if found is None:
        return {}
    rule = cast("Rule", found)
    copies = [
        (r, cast("Replica", s)) for r, s in federation.of_kind("Replica") if cast("Replica", s).dataset == rule.dataset
    ]
    sizes = _sizes(rule, copies)
    total = sum(sizes.values())
    share = {_site(place): 1.0 for place in rule.chosen}
    for site, files in _files_at(rule).items():
        share.setdefault(
            site, sum(sizes.get(f, 0) for f in files) / total if total else len(files) / len(rule.chosenFiles)
        )
    there: dict[str, int] = defaultdict(int)
    for name, copy in copies:
        declared = sum(file.size or 0 for file in copy.parts())
        part = min(1.0, declared / total) if total and declared else 1.0
        share[copy.storage.site] = max(share.get(copy.storage.site, 0.0), part)
        seen = world.stands(name)
        if seen is not None:
            held = sum(file.size or 0 for file in cast("Replica", seen).parts())
            there[copy.storage.site] = max(there[copy.storage.site], held)
    return defaultdict(
        lambda: Near(total=total), {site: Near(part, there[site], total) for site, part in share.items()}
    )


def _sizes(rule: Rule, copies: Sequence[tuple[Ref, Replica]]) -> Mapping[str, int]:
    """Path -> bytes of each file, as the rule says, or else as the first copy does."""
    files: Iterable[File] = rule.files or (copies[0][1].parts() if copies else ())
    return {file.path: file.size for file in files if file.size is not None}


def _files_at(rule: Rule) -> Mapping[str, list[str]]:
    """Site -> the files that are placed there one by one."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, places in rule.chosenFiles.items():
        for site in {_site(place) for place in places}:
            found[site].append(path)
    return found


def _bytes(amount: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _time(seconds: float) -> str:
    for length, unit in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _site(place: str) -> str:
    return place.partition("/")[0]


def rule_ref(ref: Ref, name: str) -> Ref:
    """The DatasetRule that a cluster means by ``name`` or ``namespace/name``."""
    namespace, _, short = name.rpartition("/")
    return Ref.of("DatasetRule", short, namespace or ref.namespace)
