"""One file of a commit that is no manifest: what SOPS has encrypted, a policy."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISLNK

import git

from reconciler.errors import SourceError
from reconciler.source.names import resolved
from reconciler.source.refusals import MAX_BYTES
from reconciler.source.repository import opened


def content(repository: Path, revision: str, path: str) -> bytes:
    """A regular file as it is at a commit. Raises SourceError for symlinks, and what is not there or over 1 MiB."""
    repo = opened(repository)
    commit = repo.commit(resolved(repo, revision))
    try:
        found = commit.tree / path
    except KeyError as error:
        raise SourceError(f"{path}: there is no such file at {commit.hexsha[:12]}") from error
    if not isinstance(found, git.Blob) or S_ISLNK(found.mode):
        raise SourceError(f"{path}: not a regular file at {commit.hexsha[:12]}")
    if found.size > MAX_BYTES:
        raise SourceError(f"{path}: over {MAX_BYTES} bytes")
    read: bytes = found.data_stream.read()
    return read
