"""Which files of replicas that people declare lie nowhere else. Pure.

Nothing stands for their content as a fileset does, so they are told one by one. Two are the same file where checksums
say so, or where one was copied from the other's place. What a manifest holds itself (``data:``) lies in git.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.replica.spec import ReplicaSpec, StorageSource
from reconciler.model import Ref
from reconciler.ports import Files

Place = tuple[str, str]
"""(``site/storage``, path)."""


@dataclass(frozen=True, slots=True)
class _Held:
    """One file of one replica."""

    ref: Ref
    place: Place
    size: int | None
    checksum: str | None
    source: Place | str | None

    @property
    def in_git(self) -> bool:
        return isinstance(self.source, str) and self.source.startswith("data:")

    def same(self, other: _Held) -> bool:
        """Whether ``other`` is a copy elsewhere; what is known of both must agree, and something must tell it."""
        if self.place == other.place or (None not in (self.size, other.size) and self.size != other.size):
            return False
        if self.checksum and other.checksum:
            return self.checksum == other.checksum
        return other.place == self.source or other.source == self.place


class ByHand:
    """The files of all replicas that people have declared."""

    def __init__(self, replicas: Mapping[Ref, ReplicaSpec]) -> None:
        self._files = {ref: tuple(_held(ref, spec)) for ref, spec in replicas.items() if spec.fileset is None}
        self._like: dict[Hashable, list[_Held]] = defaultdict(list)
        for one in (file for files in self._files.values() for file in files):
            for key in {one.place, *filter(None, (one.source, one.checksum))}:
                self._like[key].append(one)

    def lost(self, ref: Ref, others: Collection[Ref], datasets: Iterable[Files]) -> str:
        """What would be lost with ``ref`` where ``others`` stay, and ``datasets`` are whole; "" when nothing."""
        files = self._files[ref]
        left = [one for one in files if not one.in_git and not any(self._copies(one, others))]
        wanted = {(one.checksum, one.size) for one in left if one.checksum}
        if wanted:
            there = {one for files_ in datasets for one in _sums(files_, wanted)}
            left = [one for one in left if (one.checksum, one.size) not in there]
        if not left:
            return ""
        of = left[0].place[1] if len(files) == 1 else f"{len(left)} of {len(files)} files, first {left[0].place[1]}"
        if all(one.checksum for one in left):
            return f"the last copy of {of}"
        return f"perhaps the last copy of {of}: no checksum tells whether another is the same"

    def _copies(self, one: _Held, others: Collection[Ref]) -> Iterator[bool]:
        for key in filter(None, (one.place, one.source, one.checksum)):
            for other in self._like[key]:
                yield other.ref in others and one.same(other)


def shed(before: ReplicaSpec, wanted: ReplicaSpec) -> ReplicaSpec | None:
    """The files that a replica has and that its manifest does not name any more; None when there are none.

    Those of a Dataset go only where its ``lost`` names them.
    """
    stay = {key for file in wanted.files for key in (file.path, file.checksum) if key}
    gone = tuple(file for file in before.files if file.path not in stay and file.checksum not in stay)
    return before.model_copy(update={"files": gone}) if gone and wanted.fileset is None else None


def _sums(files: Files, wanted: Collection[tuple[str, int | None]]) -> Iterator[tuple[str, int | None]]:
    """Those of ``wanted``, (checksum, size or None for any), that are among ``files``."""
    sizes: dict[str, list[int | None]] = defaultdict(list)
    for checksum, size in wanted:
        sizes[checksum].append(size)
    for size, checksum in zip(files.sizes, files.checksums, strict=True):
        yield from ((checksum, n) for n in sizes.get(checksum, ()) if n in (None, size))


def _held(ref: Ref, spec: ReplicaSpec) -> Iterator[_Held]:
    storage, cut = str(spec.storage), len(spec.folder) + 1
    for file in spec.parts():
        source = file.source or _source(spec, file.path[cut:])
        yield _Held(ref, (storage, file.path), file.size, file.checksum, source)


def _source(spec: ReplicaSpec, path: str) -> Place | str | None:
    """Where a file without a source of its own came from."""
    if not isinstance(spec.source, StorageSource):
        return None if spec.many else spec.source
    folder = spec.source.path
    return f"{spec.source.site}/{spec.source.storage}", f"{folder}/{path}" if spec.many else folder
