"""Revision: the manifests' files at one commit, named by content, read only when wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.model.diagnostic import Diagnostic


class Blobs(Protocol):
    """Reads file contents by blob id, many in one go."""

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (blob id, content) for each id asked for, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit of manifests (or a working tree, whose ``commit`` is ``worktree``)."""

    commit: str
    """40 hex digits, or ``worktree``."""
    files: Mapping[str, str]
    """Path inside the repository -> blob id (git's SHA-1 of the content)."""
    blobs: Blobs
    author: str = ""
    committed: datetime | None = None
    """Commit time, UTC; None for a working tree."""
    subject: str = ""
    unverified: str = ""
    """Why the commit does not count as one of the operator's signers'; "" when it does, or when nobody asked."""
    paths: tuple[str, ...] = ()
    """The folders that were looked into."""
    refused: tuple[Diagnostic, ...] = ()
    """Files that are not in ``files``, or may not be called so: with an error, nothing may be concluded from the rest.

    Of committed files over the limit, ``blobs`` says so when they are read."""
