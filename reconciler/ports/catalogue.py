"""The catalogue port: which files a dataset has, as columns; a digest stands for them wherever a spec travels.

Files are rows, never resources: a million of them are one value here. What is found while planning is only remembered
by this process; it is kept for good by whoever begins to act on it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b, sha256
from operator import itemgetter
from typing import Any, Literal, NamedTuple, Protocol


class File(NamedTuple):
    """One file: its path counts from the dataset's folder."""

    path: str
    size: int | None = None
    """Bytes."""
    checksum: str = ""
    """``adler32:`` and 8, or ``md5:`` and 32 lower-case hexadecimal digits; "" when not known."""


@dataclass(frozen=True, slots=False, eq=False)
class Files:
    """Files in the order of their paths, as columns."""

    paths: Sequence[str]
    sizes: Sequence[int]
    """Bytes; -1 when not known."""
    checksums: Sequence[str]
    urls: Mapping[str, str] = field(default_factory=dict)
    """Path -> where that file is read first, for those that have a place of their own. Not part of the digest."""

    @classmethod
    def of(cls, files: Iterable[File], urls: Mapping[str, str] | None = None) -> Files:
        """The same files in order. A path that comes twice counts once, as it came last."""
        by_path = {file.path: file for file in files}
        rows = [by_path[path] for path in sorted(by_path)]
        sizes = array("q", (-1 if row.size is None else row.size for row in rows))
        return cls(tuple(row.path for row in rows), sizes, tuple(row.checksum for row in rows), urls or {})

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[File]:
        for path, size, checksum in zip(self.paths, self.sizes, self.checksums, strict=True):
            yield File(path, None if size < 0 else size, checksum)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Files) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def marks(self) -> Sequence[bytes]:
        """16 bytes for each file, over its path, size and checksum: a part of many files need not hash them anew."""
        rows = zip(self.paths, self.sizes, self.checksums, strict=True)
        said = (f"{path}\0{size}\0{checksum}".encode() for path, size, checksum in rows)
        return [blake2b(row, digest_size=_MARK).digest() for row in said]

    @cached_property
    def packed(self) -> bytes:
        """The marks of all files, one after the other."""
        return b"".join(self.marks)

    @cached_property
    def digest(self) -> str:
        """64 hex digits over every path, size and checksum."""
        return sha256(self.packed).hexdigest()

    @cached_property
    def bytes(self) -> int:
        """Total size, of the files whose size is known."""
        return sum(self.sizes) + self.sizes.count(-1)

    def joined(self, more: Files) -> Files:
        """These files and those of ``more``, whose paths are others."""
        paths = [*self.paths, *more.paths]
        order = sorted(range(len(paths)), key=paths.__getitem__)
        sizes, sums = [*self.sizes, *more.sizes], [*self.checksums, *more.checksums]
        found = Files(
            tuple([paths[row] for row in order]),
            array("q", [sizes[row] for row in order]),
            tuple([sums[row] for row in order]),
            {**self.urls, **more.urls},
        )
        marks = [*self.marks, *more.marks]
        found.__dict__["marks"] = [marks[row] for row in order]
        return found

    def only(self, rows: Sequence[int]) -> Part:
        """The files of these row numbers, which are in order."""
        return Part(self, rows)


class Part(Files):
    """Some files of a whole, by their row numbers; columns of its own are made when somebody looks at them."""

    def __init__(self, whole: Files, rows: Sequence[int]) -> None:
        """``rows`` are in order."""
        self.__dict__.update(whole=whole, rows=rows)

    whole: Files
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def paths(self) -> Sequence[str]:
        """As of all files."""
        return tuple(self._of(self.whole.paths))

    @cached_property
    def sizes(self) -> Sequence[int]:
        """As of all files."""
        return array("q", self._of(self.whole.sizes))

    @cached_property
    def checksums(self) -> Sequence[str]:
        """As of all files."""
        return tuple(self._of(self.whole.checksums))

    @cached_property
    def urls(self) -> Mapping[str, str]:
        """As of all files."""
        urls = self.whole.urls
        return {path: urls[path] for path in self.paths if path in urls} if urls else {}

    @cached_property
    def marks(self) -> Sequence[bytes]:
        """As of all files."""
        return self._of(self.whole.marks)

    def grown(self, rows: Sequence[int]) -> Part:
        """The same with some rows more, which are in order and none of its own."""
        found = Part(self.whole, sorted([*self.rows, *rows]))
        marks, held = self.whole.marks, memoryview(self.packed)
        pieces: list[bytes | memoryview] = []
        before = 0
        for row in rows:
            at = bisect_left(self.rows, row) * _MARK
            pieces += [held[before:at], marks[row]]
            before = at
        found.__dict__["packed"] = b"".join([*pieces, held[before:]])
        found.__dict__["bytes"] = self.bytes + sum(max(0, self.whole.sizes[row]) for row in rows)
        return found

    def within(self, whole: Files, rows: Sequence[int]) -> Part:
        """The same files as a part of a larger whole; ``rows`` says which row each row of the former whole is there."""
        found = Part(whole, [rows[row] for row in self.rows])
        found.__dict__.update(packed=self.packed, bytes=self.bytes)
        return found

    def _of(self, column: Sequence[Any]) -> Sequence[Any]:
        if len(self.rows) < 2:  # noqa: PLR2004 (of one row, itemgetter gives no tuple)
            return [column[row] for row in self.rows]
        found: Sequence[Any] = itemgetter(*self.rows)(column)
        return found


_MARK = 16
"""Bytes."""


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """How data is looked after: the section ``[data]`` of hanse.toml."""

    dark: Literal["report", "delete"] = "report"
    dark_days: float = 28.0
    """A dark file is taken away only when two scans at least so many days apart have seen it."""
    dark_percent: float = 1.0
    """Percent of a storage's files: where more are dark, none is taken away."""
    lost_percent: float = 10.0
    """Percent of a storage's files: where more are missing at once, nothing is concluded."""
    lost_minimum: int = 10
    """So many missing files are brought back without asking, whatever their share."""
    retry_hours: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0)
    """Hours between two tries of what is stuck: in its first day, its second, and so on."""
    suspend_days: float = 14.0
    """Days of failing, added up, after which a rule is suspended."""


class DarkFile(NamedTuple):
    """A file within our folders that nothing wants."""

    path: str
    size: int
    uid: str = ""
    """The mark it carries; "" for none."""


class Scan(NamedTuple):
    """What one full listing of a storage says beside the catalogue as it was before it and after it."""

    target: str
    files: int
    """On the storage, within our folders."""
    expected: int
    """In the catalogue, before and after."""
    missing: Sequence[str] = ()
    """Paths that the catalogue has, before and after, and the storage has not."""
    dark: Sequence[DarkFile] = ()
    """On the storage, and in the catalogue neither before nor after."""
    read: Mapping[str, datetime] = {}
    """Mark of a replica -> when one of its files was read last, or else written."""

    @property
    def missing_percent(self) -> float:
        """Share of what is expected, in percent."""
        return 100.0 * len(self.missing) / self.expected if self.expected else 0.0

    @property
    def dark_percent(self) -> float:
        """Share of what is there, in percent."""
        return 100.0 * len(self.dark) / self.files if self.files else 0.0

    def doubtful(self, policy: DataPolicy) -> bool:
        """Whether so much is missing at once that nothing may be concluded from it. Percent beside percent."""
        return len(self.missing) > policy.lost_minimum and self.missing_percent > policy.lost_percent


class Trouble(NamedTuple):
    """Why one file of a replica could not be brought in."""

    path: str
    """Counts from the dataset's folder."""
    error: str
    lost: bool = False
    """True when no copy of it is left anywhere."""


class Standstill(NamedTuple):
    """What must not be tried now."""

    paths: frozenset[str] = frozenset()
    """Files whose next try is later."""
    next_try: datetime | None = None
    """When the first of them is tried again."""
    error: str = ""
    """Why the first of them failed."""
    suspended: str = ""
    """Why nothing is tried at all; "" while something is."""


class Catalogue(Protocol):
    """What is known of files. Safe between threads."""

    policy: DataPolicy
    """How data is looked after."""

    def files(self, digest: str) -> Files | None:
        """The files that a digest stands for; None when nobody has said so here."""
        ...

    def remember(self, files: Files) -> str:
        """Let this process know what a digest stands for, and return it. Nothing is written down."""
        ...

    def keep(self, digest: str) -> None:
        """Write down what a digest stands for, so that it outlives this process. Safe to repeat."""
        ...

    def elsewhere(self, dataset: str, storage: str) -> Sequence[str]:
        """Digests of what other storages held of a dataset when they were last seen."""
        ...

    def scanned(self, scan: Scan) -> frozenset[str]:
        """Let this process know what a full listing found; it is written down when the run ends.

        Returns the paths of dark files that may be taken away now, as the policy has it.
        """
        ...

    def restless(self, target: str) -> bool:
        """Whether a storage must be looked at although nothing has moved there."""
        ...

    def troubled(self, uid: str, digest: str, troubles: Iterable[Trouble]) -> None:
        """Let this process know which files of a replica could not be brought in; written down when the run ends.

        What is told adds to what was told before of the same ``digest``; nothing told means that a try begins.
        """
        ...

    def used(self, dataset: str, storage: str) -> None:
        """Let this process know that a copy was read at a storage; written down when the run ends."""
        ...

    def last_read(self, storage: str) -> Mapping[str, datetime]:
        """Mark of each replica at a storage -> when it was read last, as far as that was written down."""
        ...

    def standstill(self, uid: str, rules: Iterable[str], spec: str) -> Standstill:
        """What of a replica must not be tried now; ``spec`` is the digest of what is wanted. Another spec is tried."""
        ...
