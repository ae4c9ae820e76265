"""The catalogue port: which files a dataset has, as columns; a digest stands for them wherever a spec travels.

Files are rows, never resources: a million of them are one value here. What is found while planning is only remembered
by this process; it is kept for good by whoever begins to act on it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol


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
    def digest(self) -> str:
        """64 hex digits over every path, size and checksum."""
        found = hashlib.sha256()
        for start in range(0, len(self.paths), 10_000):
            part = slice(start, start + 10_000)
            lines = zip(self.paths[part], self.sizes[part], self.checksums[part], strict=True)
            found.update("".join(f"{path}\0{size}\0{checksum}\n" for path, size, checksum in lines).encode())
        return found.hexdigest()

    @cached_property
    def bytes(self) -> int:
        """Total size, of the files whose size is known."""
        return sum(size for size in self.sizes if size > 0)

    def only(self, rows: Sequence[int]) -> Files:
        """The files of these row numbers, which are in order."""
        paths = tuple(self.paths[row] for row in rows)
        sizes = array("q", (self.sizes[row] for row in rows))
        urls = {path: self.urls[path] for path in paths if path in self.urls} if self.urls else {}
        return Files(paths, sizes, tuple(self.checksums[row] for row in rows), urls)


class Catalogue(Protocol):
    """What is known of files. Safe between threads."""

    def files(self, digest: str) -> Files | None:
        """The files that a digest stands for; None when nobody has said so here."""
        ...

    def remember(self, files: Files) -> str:
        """Let this process know what a digest stands for, and return it. Nothing is written down."""
        ...

    def keep(self, digest: str) -> None:
        """Write down what a digest stands for, so that it outlives this process. Safe to repeat."""
        ...
