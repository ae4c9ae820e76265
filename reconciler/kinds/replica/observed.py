"""What a listing says about a replica: which of its files are there, whole, the right ones, and ours."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.replica.spec import ReplicaFile, ReplicaSpec
from reconciler.model import Absent, Observation, Present, Spec, Unknown, Wanted
from reconciler.ports import Files, Listing, StoredFile


@dataclass(frozen=True, slots=True)
class State:
    """The files of one replica on its storage."""

    right: tuple[StoredFile, ...]
    """There, with the size and checksum wanted."""
    wrong: tuple[tuple[ReplicaFile, StoredFile], ...]
    missing: tuple[ReplicaFile, ...]
    extra: tuple[StoredFile, ...]
    """In the dataset's folder with its mark, and not among its files."""


def prefixes(wanted: Iterable[ReplicaSpec], known: Callable[[str], Files | None]) -> set[str]:
    """What must be listed to know how these stand; ``known`` says what a digest stands for.

    Where Rucio has named the files, many datasets share one folder: of it each asks for its own files alone.
    """
    return {prefix for spec in wanted for prefix in _prefixes(spec, known)}


def _prefixes(spec: ReplicaSpec, known: Callable[[str], Files | None]) -> Iterator[str]:
    layout = spec.layout if spec.many else None
    if layout is None:
        yield spec.path or ""
    elif not layout.scope:
        yield f"{layout.folder}/"
    elif spec.fileset is not None and (files := known(spec.fileset.digest)) is not None:
        yield from map(layout.at, files.paths)


def state(spec: ReplicaSpec, uid: str, files: Mapping[str, StoredFile], folders: Folders) -> State:
    """Compare what is wanted with what is there."""
    right, wrong, missing = [], [], []
    for file in spec.parts():
        there = files.get(file.path)
        if there is None:
            missing.append(file)
        elif agrees(file, there):
            right.append(there)
        else:
            wrong.append((file, there))
    named = {file.path for file in spec.parts()}
    extra = [f for f in folders.under(spec.folder) if f.uid == uid and f.path not in named] if spec.files else []
    return State(tuple(right), tuple(wrong), tuple(missing), tuple(extra))


def agrees(file: ReplicaFile, there: StoredFile) -> bool:
    """True when the file there has the size and checksum wanted, as far as any is wanted."""
    size = file.size is None or file.size == there.size
    return size and (file.checksum is None or file.checksum.lower() in there.checksums)


class Folders:
    """The files of a listing in the order of their paths, so that a folder's are found quickly."""

    def __init__(self, files: Mapping[str, StoredFile]) -> None:
        self._files = files
        self._paths = sorted(files)

    def under(self, folder: str) -> list[StoredFile]:
        """The files below ``folder``."""
        return [self._files[path] for path in self._within(folder)]

    def count(self, folder: str) -> int:
        """How many there are below ``folder``."""
        return len(self._within(folder))

    def _within(self, folder: str) -> list[str]:
        after = chr(ord("/") + 1)
        first = bisect_left(self._paths, f"{folder}/")
        return self._paths[first : bisect_left(self._paths, f"{folder}{after}", first)]


def look(wanted: Wanted, listing: Listing, folders: Folders) -> Observation:
    """The observation of one replica."""
    spec = _standing(wanted, listing.files)
    seen = state(spec, wanted.uid, listing.files, folders)
    there = (*seen.right, *(file for _, file in seen.wrong), *seen.extra)
    if seen.missing and not listing.complete:
        return Unknown(f"only a part of the storage could be read, and {seen.missing[0].path} was not in it")
    if not there:
        return Absent()
    uids = {file.uid for file in there}
    others = sorted(uids - {wanted.uid, ""})
    return Present(
        _as_seen(spec, seen, _sources(wanted.applied)),
        owned="" not in uids,
        uid=others[0] if others else "" if "" in uids else wanted.uid,
        outputs=outputs(spec, there),
        healthy=not (seen.missing or seen.wrong),
        note=_note(spec, seen),
    )


def outputs(spec: ReplicaSpec, files: Iterable[StoredFile]) -> dict[str, object]:
    """What others may take from a replica."""
    return {"storage": str(spec.storage), "path": spec.folder or spec.path, "bytes": sum(f.size for f in files)}


def _standing(wanted: Wanted, files: Mapping[str, StoredFile]) -> ReplicaSpec:
    """The desired spec; the applied one while its files still stand in another place."""
    spec, applied = wanted.spec, wanted.applied
    assert isinstance(spec, ReplicaSpec)  # noqa: S101 (its own kind's)
    if not isinstance(applied, ReplicaSpec) or (applied.folder, applied.path) == (spec.folder, spec.path):
        return spec
    ours = any(p.path in files and files[p.path].uid == wanted.uid for p in applied.parts())
    return applied if ours else spec


def _sources(applied: Spec | None) -> dict[str, str | None]:
    """Where files were brought from that may be too many by now."""
    return {file.path: file.source for file in applied.files} if isinstance(applied, ReplicaSpec) else {}


def _as_seen(spec: ReplicaSpec, seen: State, sources: Mapping[str, str | None]) -> ReplicaSpec:
    """The spec that the storage shows: the desired one exactly where they agree."""
    if not (seen.wrong or seen.missing or seen.extra):
        return spec
    if not spec.files:
        file, there = seen.wrong[0]
        shown = _shown(file, there)
        return spec.model_copy(update={"size": shown.size, "checksum": shown.checksum})
    cut = len(spec.folder) + 1
    gone = {file.path[cut:] for file in seen.missing}
    changed = {file.path[cut:]: _shown(file, there) for file, there in seen.wrong}
    files = [_under(changed.get(f.path, f), f.path) for f in spec.files if f.path not in gone]
    files += [_extra(file, file.path[cut:], sources) for file in seen.extra]
    return spec.model_copy(update={"files": tuple(sorted(files, key=lambda file: file.path))})


def _shown(file: ReplicaFile, there: StoredFile) -> ReplicaFile:
    """The file with the size and the kind of checksum that are wanted, as they are."""
    checksum = file.checksum
    if checksum is not None and checksum.lower() not in there.checksums:
        checksum = _summed(there, checksum.partition(":")[0])
    size = there.size if file.size is not None else None
    return file.model_copy(update={"size": size, "checksum": checksum})


def _under(file: ReplicaFile, path: str) -> ReplicaFile:
    return file if file.path == path else file.model_copy(update={"path": path})


def _extra(file: StoredFile, path: str, sources: Mapping[str, str | None]) -> ReplicaFile:
    return ReplicaFile(path=path, size=file.size, checksum=_summed(file, "adler32"), source=sources.get(path))


def _summed(file: StoredFile, kind: str) -> str | None:
    return summed(file, kind) or None


def summed(file: StoredFile, like: str = "adler32:") -> str:
    """The file's own checksum of the kind that ``like`` is; "" when it has none."""
    kind = like.partition(":")[0]
    return next((c for c in sorted(file.checksums) if c.startswith(kind)), "")


def _note(spec: ReplicaSpec, seen: State) -> str:
    total = sum(1 for _ in spec.parts())
    said = []
    if seen.missing:
        said.append(f"{len(seen.missing)} of {total} files missing, first {seen.missing[0].path}")
    if seen.wrong:
        said.append(f"{len(seen.wrong)} of {total} files with other content, first {seen.wrong[0][0].path}")
    if seen.extra:
        said.append(f"{len(seen.extra)} files too many, first {seen.extra[0].path}")
    return "; ".join(said)
