"""The storage port: files with size and checksum; a partial file is never shown as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


class Storage(Protocol):
    """One storage of one site."""

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:
        """List files under any of the prefixes, with sizes, checksums and marks."""
        ...

    def url(self, path: str) -> str:
        """Where another storage can read the file."""
        ...

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in, verify size and checksum, then show it under its name (atomically), with our mark.

        Raises Terminal when the source does not match what is expected; partial data is removed first.
        """
        ...

    def remove(self, path: str) -> None:
        """Take a file away; one that is gone already is fine."""
        ...
