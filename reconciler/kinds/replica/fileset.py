"""What a listing says about the files of a dataset, as columns: a million of them are a few arrays, not objects."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from reconciler.kinds.replica.observed import Folders, summed
from reconciler.kinds.replica.owning import ALONE, Owners
from reconciler.kinds.replica.spec import Fileset, ReplicaSpec
from reconciler.model import Absent, Observation, Present, Unknown
from reconciler.ports import DarkFile, File, Files, Listing, StoredFile

NOTHING = Files((), array("q"), ())
_NAMED = 3
"""Dark files that are named in one message."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The files of one replica beside its storage. Rows count in ``files``."""

    spec: ReplicaSpec
    files: Files
    right: Sequence[int]
    """Rows of files that are there, with the size and checksum wanted."""
    wrong: Sequence[int]
    missing: Sequence[int]
    unmarked: Sequence[int]
    """Those of ``right`` and ``wrong`` that bear no mark of ours."""
    others: Collection[str]
    """Marks of other resources on its files."""
    bytes: int
    """Of what is there."""
    leaving: Sequence[File] = ()
    """There with its mark, applied earlier, and not wanted any more."""
    dark: Sequence[StoredFile] = ()
    """In its folder, nobody's, and neither wanted nor ever applied."""
    lost: Sequence[int] = field(default=())
    """Rows of ``missing`` that were applied: they were there."""

    def path(self, row: int) -> str:
        """Where a file lies under the storage's root."""
        return self.spec.layout.at(self.files.paths[row])

    @property
    def marked(self) -> int:
        """How many files bear its mark."""
        return len(self.right) + len(self.wrong) - len(self.unmarked) + len(self.leaving)


@dataclass(frozen=True)
class Background:
    """What else is known of a replica's dataset."""

    applied: Files
    """What was wanted of it here last."""
    whole: Files | None = None
    """Everything that belongs to it, where less is wanted here."""
    others: Callable[[], Iterable[Files]] = tuple
    """What other storages have of it, as far as that is known; asked only where something may have to go."""
    owners: Owners = ALONE
    """Who else has files on the storage."""

    def goes(self, path: str) -> bool | None:
        """Whether a file with our mark that is not wanted here may go; None: it is none of ours.

        What still belongs to the dataset stays until another storage has it.
        """
        row = self._rows.get(path) if self.whole is not None else None
        if row is None or self.whole is None:
            return True if path in self._applied else None
        return (path, self.whole.sizes[row], self.whole.checksums[row]) in self._elsewhere

    @cached_property
    def _applied(self) -> frozenset[str]:
        return frozenset(self.applied.paths)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {path: row for row, path in enumerate(self.whole.paths)} if self.whole is not None else {}

    @cached_property
    def _elsewhere(self) -> frozenset[tuple[str, int, str]]:
        rows = (zip(files.paths, files.sizes, files.checksums, strict=True) for files in self.others())
        return frozenset(chain.from_iterable(rows))


NOBODY = Background(NOTHING)
"""Nothing else is known."""


def compare(
    spec: ReplicaSpec, uid: str, files: Files, known: Background, listing: Listing, folders: Folders
) -> Comparison:
    """Compare what is wanted (``files``), and what else is ``known``, with what is there."""
    there, at = listing.files, spec.layout.at
    right, wrong, missing, unmarked = array("q"), array("q"), array("q"), array("q")
    others: set[str] = set()
    total = 0
    for row, (path, size, checksum) in enumerate(zip(files.paths, files.sizes, files.checksums, strict=True)):
        found = there.get(at(path))
        if found is None:
            missing.append(row)
            continue
        total += found.size
        (right if fits(found, size, checksum) else wrong).append(row)
        if found.uid != uid:
            unmarked.append(row)
            if found.uid:
                others.add(found.uid)
    named = spec.origin or len(right) + len(wrong) == folders.count(spec.folder)
    leaving, dark = ([], []) if named else _besides(spec, uid, files, known, folders)
    lost = _lost(files, missing, known.applied)
    return Comparison(spec, files, right, wrong, missing, unmarked, others, total, leaving, dark, lost)


def fits(found: StoredFile, size: int, checksum: str) -> bool:
    """Whether a file there has the size (-1: any) and checksum ("": any) wanted."""
    return (size < 0 or found.size == size) and (not checksum or checksum in found.checksums)


def _besides(
    spec: ReplicaSpec, uid: str, files: Files, known: Background, folders: Folders
) -> tuple[list[File], list[StoredFile]]:
    """What is in the folder besides what is wanted: leaving, dark."""
    cut = len(spec.folder) + 1
    wanted = frozenset(files.paths)
    extra = [found for found in folders.under(spec.folder) if found.path[cut:] not in wanted]
    leaving: list[File] = []
    dark: list[StoredFile] = []
    for found in extra:
        path = found.path[cut:]
        goes = known.goes(path) if found.uid == uid else None
        if goes:
            leaving.append(File(path, found.size, summed(found)))
        elif goes is None and not known.owners.anothers(found, uid):
            dark.append(found)
    return leaving, dark


def _lost(files: Files, missing: Sequence[int], applied: Files) -> Sequence[int]:
    if not missing or not len(applied):
        return ()
    if applied.digest == files.digest:
        return missing
    before = frozenset(applied.paths)
    return array("q", (row for row in missing if files.paths[row] in before))


def observation(
    seen: Comparison, uid: str, listing: Listing, due: Collection[str] = (), *, guarded: bool = False
) -> tuple[Observation, Files | None]:
    """The observation of a replica, and the files that its digest stands for where they are others than wanted.

    ``due`` are paths of dark files that may be taken away: they count as too many. What is ``guarded`` is never said
    to be absent, for then nothing would be asked before it is made anew; nor what lies in place, for it is not made.
    """
    spec = seen.spec
    if seen.missing and not listing.complete:
        said = f"only a part of the storage could be read, and {seen.path(seen.missing[0])} was not in it"
        return Unknown(said), None
    dark = [found for found in seen.dark if found.path in due]
    there = len(seen.right) + len(seen.wrong) + len(seen.leaving)
    if not there and len(seen.files) and not spec.lies and not (guarded and seen.lost):
        return Absent(), None
    shown = spec if spec.origin and not spec.rules else None
    found = None if shown else _files_there(seen, dark, listing.files)
    if found is not None:
        shown = spec.model_copy(update={"fileset": fileset_of(found)})
    others = sorted(seen.others)
    return Present(
        shown or spec,
        owned=spec.origin or not seen.unmarked or bool(seen.marked or others),
        uid="" if spec.origin else others[0] if others else uid if seen.marked else "",
        outputs={"storage": str(spec.storage), "path": spec.folder, "bytes": seen.bytes},
        healthy=not (seen.missing or seen.wrong),
        note=note(seen, dark),
        due=_due(seen),
    ), found


def _due(seen: Comparison) -> tuple[int, int]:
    """(files, bytes) that are missing or wrong."""
    rows = (*seen.missing, *seen.wrong)
    return len(rows), sum(max(0, seen.files.sizes[row]) for row in rows)


def fileset_of(files: Files) -> Fileset:
    """What stands for ``files`` in a spec."""
    return Fileset(digest=files.digest, count=len(files), bytes=files.bytes)


def _files_there(seen: Comparison, dark: Sequence[StoredFile], there: Mapping[str, StoredFile]) -> Files | None:
    """What is really there; None where that is exactly what is wanted."""
    if not (seen.wrong or seen.missing or seen.leaving or dark):
        return None
    files, cut = seen.files, len(seen.spec.folder) + 1
    more = [*seen.leaving, *(File(f.path[cut:], f.size, summed(f)) for f in dark)]
    for row in seen.wrong:
        found = there[seen.path(row)]
        size = found.size if files.sizes[row] >= 0 else None
        more.append(File(files.paths[row], size, _like(found, files.checksums[row])))
    return joined(files.only(seen.right), more)


def _like(found: StoredFile, checksum: str) -> str:
    """The checksum there of the kind that is wanted; "" where none is."""
    return summed(found, checksum) if checksum else ""


def joined(files: Files, more: Sequence[File]) -> Files:
    """``files`` with some more, in order."""
    if not more:
        return files
    paths = [*files.paths, *(file.path for file in more)]
    sizes = array("q", files.sizes)
    sizes.extend(-1 if file.size is None else file.size for file in more)
    checksums = [*files.checksums, *(file.checksum for file in more)]
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return Files(
        tuple(paths[i] for i in order), array("q", (sizes[i] for i in order)), tuple(checksums[i] for i in order)
    )


def without(files: Files, wanted: Files) -> list[File]:
    """Those of ``files`` whose path is not among ``wanted``."""
    if files.digest == wanted.digest:
        return []
    kept = frozenset(wanted.paths)
    return [file for file in files if file.path not in kept]


def note(seen: Comparison, dark: Sequence[StoredFile] = ()) -> str:
    """What is not as wanted, in words."""
    total, said = f"{len(seen.files):,}", []
    if seen.missing:
        said.append(f"{len(seen.missing):,} of {total} files missing, first {seen.path(seen.missing[0])}")
    if seen.wrong:
        said.append(f"{len(seen.wrong):,} of {total} files with other content, first {seen.path(seen.wrong[0])}")
    if seen.leaving:
        first = f"{seen.spec.folder}/{seen.leaving[0].path}"
        said.append(f"{len(seen.leaving):,} files that are not wanted any more, first {first}")
    if dark:
        more = f" and {len(dark) - _NAMED:,} more" if len(dark) > _NAMED else ""
        names = ", ".join(found.path for found in dark[:_NAMED])
        said.append(f"{len(dark):,} dark files that are to go: {names}{more}")
    if said and seen.spec.lies is not None:
        said.append("nothing is mended there: put them back, or take the place out of the copies of its dataset")
    return "; ".join(said)


def dark_file(found: StoredFile) -> DarkFile:
    """A dark file as the catalogue knows it."""
    return DarkFile(found.path, found.size, found.uid)
