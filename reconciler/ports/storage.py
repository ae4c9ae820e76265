"""The storage port: files with size and checksum; a partial file is never shown as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    modified: datetime | None = field(default=None, compare=False)
    """When its content was last written, UTC; None where the storage does not say."""
    accessed: datetime | None = field(default=None, compare=False)
    """When it was last read, UTC; None where the storage does not say."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All complete files under the storage's root (or of the paths asked for)."""

    files: Mapping[str, StoredFile]
    complete: bool = True
    token: str = ""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file may be read: ``file://``, ``data:``, ``http(s)://``, and what the reader must send."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """``Authorization`` with a token for this file alone, say. Never shown, never kept."""
    ca: str = field(default="", compare=False)
    """File with the certificates of the authorities that vouch for the server; "" where the system's do."""


@dataclass(frozen=True, slots=True)
class Space:
    """How full a storage is, in bytes; None where it does not say."""

    used: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """One file to bring in."""

    path: str
    source: Source
    uid: str
    size: int | None = None
    checksum: str = ""
    """Expected, ``adler32:...`` or ``md5:...``; "" when not known beforehand."""
    progress: Callable[[int], None] | None = field(default=None, compare=False)
    """Told the bytes of each piece that has arrived; what it raises stops the copy, and nothing of it stays."""
    priority: int = 3
    """1 to 5, which comes first; for a service that makes the copy."""
    activity: str = ""
    """What it is for, likewise; "" for what the service is told by its options."""


class Storage(Protocol):
    """One storage of one site."""

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:
        """List files under any of the prefixes, with sizes, checksums and marks.

        A file without our mark may lack checksums unless a prefix other than "" asks for it. Raises Transient or
        Terminal when the storage cannot be read; a part that cannot be read makes the listing not ``complete``.
        """
        ...

    def source(self, path: str) -> Source:
        """Where another storage can read the file, and what it must send: good for a while, for this file alone."""
        ...

    def space(self) -> Space:
        """How full the storage is."""
        ...

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in, verify size and checksum, then show it under its name (atomically), with our mark.

        Where both ends can, the bytes go from storage to storage. Raises Terminal when the source does not match what
        is expected; partial data is removed first.
        """
        ...

    def mark(self, path: str, uid: str) -> None:
        """Put our mark on a file that is there; its content stays. Raises Conflict when it is gone."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away; one that is gone already is fine."""
        ...
