"""The catalogue port: which files a dataset has, as columns; a digest stands for them wherever a spec travels.

Files are rows, never resources: a million of them are one value here. What is found while planning is only remembered
by this process; it is kept for good by whoever begins to act on it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        return [blake2b(row, digest_size=16).digest() for row in said]

    @cached_property
    def digest(self) -> str:
        """64 hex digits over every path, size and checksum."""
        return sha256(b"".join(self.marks)).hexdigest()

    @cached_property
    def bytes(self) -> int:
        """Total size, of the files whose size is known."""
        return sum(self.sizes) + self.sizes.count(-1)

    def only(self, rows: Sequence[int]) -> Files:
        """The files of these row numbers, which are in order."""
        if len(rows) < 2:  # noqa: PLR2004 (of one row, itemgetter gives no tuple)
            pick: Callable[[Sequence[Any]], Sequence[Any]] = lambda column: [column[row] for row in rows]  # noqa: E731
        else:
            pick = itemgetter(*rows)
        paths = tuple(pick(self.paths))
        urls = {path: self.urls[path] for path in paths if path in self.urls} if self.urls else {}
        found = Files(paths, array("q", pick(self.sizes)), tuple(pick(self.checksums)), urls)
        if "marks" in self.__dict__:
            found.__dict__["marks"] = pick(self.marks)
        return found


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

    def standstill(self, uid: str, rules: Iterable[str], spec: str) -> Standstill:
        """What of a replica must not be tried now; ``spec`` is the digest of what is wanted. Another spec is tried."""
        ...
