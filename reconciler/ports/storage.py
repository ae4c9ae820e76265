"""The storage port: files with size and checksum; a partial file is never shown as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A complete file. Checksums are ``adler32:xxxxxxxx`` (8 hex digits) and ``md5:...`` (32 hex digits)."""

    path: str
    size: int
    """Bytes."""
    checksums: frozenset[str] = frozenset()
    uid: str = ""
    """Our ownership mark; "" when it has none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All complete files under the storage's root (or of the paths asked for)."""

    files: Mapping[str, StoredFile]
    complete: bool = True
    token: str = ""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """One file to bring in. ``source_url`` is ``file://``, ``http(s)://`` or another storage's URL for the file."""

    path: str
    source_url: str
    uid: str
    size: int | None = None
    checksum: str = ""
    """Expected, ``adler32:...`` or ``md5:...``; "" when not known beforehand."""
    progress: Callable[[int], None] | None = field(default=None, compare=False)
    """Told the bytes of each piece that has arrived; what it raises stops the copy, and nothing of it stays."""


class Storage(Protocol):
    """One storage of one site."""

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:
        """List files under any of the prefixes, with sizes, checksums and marks.

        A file without our mark may lack checksums unless a prefix other than "" asks for it. Raises Transient or
        Terminal when the storage cannot be read; a part that cannot be read makes the listing not ``complete``.
        """
        ...

    def url(self, path: str) -> str:
        """Where another storage can read the file."""
        ...

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in, verify size and checksum, then show it under its name (atomically), with our mark.

        Raises Terminal when the source does not match what is expected; partial data is removed first.
        """
        ...

    def mark(self, path: str, uid: str) -> None:
        """Put our mark on a file that is there; its content stays. Raises Conflict when it is gone."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away; one that is gone already is fine."""
        ...
