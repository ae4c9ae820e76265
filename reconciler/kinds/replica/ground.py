"""Which replicas stand on the same files of one storage: what is taken from one is taken from the other. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.replica.naming import Layout
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.model import Ref
from reconciler.ports import Files

Known = Callable[[str], Files | None]
"""What a digest stands for; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The files of one replica, by their paths under the storage's root."""

    storage: str
    folder: str
    """All of them lie somewhere below."""
    named: frozenset[str] | None
    """Where its manifest names them one by one."""
    layout: Layout
    files: Files | None
    """Those of its dataset; None when not known: then all that lies where they would is taken for one of them."""

    @classmethod
    def of(cls, spec: ReplicaSpec, files: Known) -> Ground:
        """The ground that a replica stands on."""
        if spec.fileset is not None:
            return cls(str(spec.storage), spec.folder, None, spec.layout, files(spec.fileset.digest))
        named = frozenset(file.path for file in spec.parts())
        folder = spec.folder or (spec.path or "").rpartition("/")[0]
        return cls(str(spec.storage), folder, named, Layout(folder), None)

    def has(self, path: str) -> bool:
        """Whether one of its files lies there."""
        if self.named is not None:
            return path in self.named
        below = self.layout.within(path)
        if below is None or self.files is None:
            return below is not None
        row = bisect_left(self.files.paths, below)
        return row < len(self.files) and self.files.paths[row] == below

    @property
    def paths(self) -> Iterable[str] | None:
        """Where its files lie; None when that is not known."""
        if self.named is not None:
            return sorted(self.named)
        return map(self.layout.at, self.files.paths) if self.files is not None else None

    def shared(self, other: Ground) -> str:
        """The first path on which both stand, or may; "" when there is none."""
        if self.storage != other.storage or not _near(self.folder, other.folder):
            return ""
        for one, two in sorted(((self, other), (other, self)), key=lambda pair: pair[0].named is None):
            if (paths := one.paths) is not None:
                return next(filter(two.has, paths), "")
        return f"{max(self.folder, other.folder, key=len)}/"


class Grounds:
    """Those of many replicas, to be asked which stand on the ground of another."""

    def __init__(self, replicas: Mapping[Ref, ReplicaSpec], files: Known) -> None:
        self._files = files
        self._at: dict[tuple[str, str], list[tuple[Ref, ReplicaSpec]]] = defaultdict(list)
        for ref, spec in sorted(replicas.items()):
            ground = Ground.of(spec, lambda _digest: None)
            self._at[ground.storage, ground.folder].append((ref, spec))
        self._places = sorted(self._at)

    def first(self, ref: Ref, spec: ReplicaSpec) -> tuple[Ref, str] | None:
        """Another one that stands on files of ``spec``, and the first of them; None when there is none."""
        ground = Ground.of(spec, self._files)
        for name, other in self._around(ground.storage, ground.folder):
            path = ground.shared(Ground.of(other, self._files)) if name != ref else ""
            if path:
                return name, path
        return None

    def _around(self, storage: str, folder: str) -> Iterator[tuple[Ref, ReplicaSpec]]:
        """Those whose folder is this one, around it or within."""
        parts = folder.split("/") if folder else []
        for n in range(len(parts) + 1):
            yield from self._at.get((storage, "/".join(parts[:n])), ())
        within = f"{folder}/" if folder else ""
        for place in self._places[bisect_left(self._places, (storage, within)) :]:
            if place[0] != storage or not place[1].startswith(within):
                return
            if place[1] != folder:
                yield from self._at[place]


def _near(one: str, other: str) -> bool:
    """Whether one folder is the other, or within it."""
    return not one or not other or f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
