"""The working tree as a revision: what is on disk now, tracked or not, less what git ignores.

git's index is the cache: a file that git knows to be as it was committed or added is taken from the object store,
by its blob id; only the others are read and hashed here, as git would hash them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import git

from reconciler.errors import SourceError
from reconciler.model import Diagnostic, Revision
from reconciler.source.blobs import Stored
from reconciler.source.listing import RAW
from reconciler.source.refusals import MAX_BYTES, MAX_FILES, is_manifest, misnamed, no_file, refused, too_large

NAME = "worktree"


def read(repo: git.Repo, paths: Sequence[str]) -> Revision:
    """Everything under ``paths`` that git does not ignore. Raises SourceError for paths that are not there."""
    if repo.working_tree_dir is None:
        raise SourceError(f"{repo.common_dir}: a bare repository has no working tree; leave --worktree out")
    look = _Look(Path(repo.working_tree_dir), repo.git.rev_parse("--show-object-format"))
    wanted = [path.strip("/") or "." for path in paths]
    look.faults += [f"{p}: no such path in the working tree" for p in wanted if not os.path.lexists(look.root / p)]
    if not look.faults:
        look.at(_listed(repo, wanted), _clean(repo, wanted))
    if look.faults:
        raise SourceError("\n".join(look.faults))
    stored = Stored(repo, look.files)
    said = tuple(sorted(look.refused))
    return Revision(NAME, look.files, _Mixed(stored, look.contents), paths=tuple(paths), refused=said)


@dataclass
class _Look:
    """One look at the files on disk."""

    root: Path
    format: str
    files: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    """Blob id -> content, of what git has not stored."""
    refused: list[Diagnostic] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def at(self, names: Sequence[str], clean: Mapping[str, str]) -> None:
        """Take in the files that are there; what cannot be taken is refused."""
        if len(names) > MAX_FILES:
            self.faults.append(f"{len(names)} files: over {MAX_FILES}; name narrower paths")
            return
        for name in names:
            try:
                self._take(name, clean)
            except FileNotFoundError:  # removed, and that not yet committed
                continue
            except OSError as error:
                self.refused.append(refused(name, f"cannot be read: {error.strerror}", "mend its permissions"))

    def _take(self, name: str, clean: Mapping[str, str]) -> None:
        path = self.root / name
        fault = _refusal(path.lstat(), name)
        if fault is not None:
            self.refused.append(fault)
            return
        odd = list(misnamed([name]))
        self.refused += odd
        if is_manifest(name) and not any(d.file != name for d in odd):
            self.files[name] = clean.get(name) or self._hashed(path)

    def _hashed(self, path: Path) -> str:
        content = path.read_bytes()
        blob = hashlib.new(self.format, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.contents[blob] = content
        return blob


def _refusal(status: os.stat_result, name: str) -> Diagnostic | None:
    if stat.S_ISLNK(status.st_mode):
        return no_file(name, "120000")
    if stat.S_ISDIR(status.st_mode):
        return no_file(name, "160000")
    if not stat.S_ISREG(status.st_mode):
        return refused(name, "is not a file", "put a file there")
    return too_large(name) if status.st_size > MAX_BYTES and is_manifest(name) else None


@dataclass(frozen=True)
class _Mixed:
    """Contents that were hashed here, and for the others git's object store."""

    stored: Stored
    contents: Mapping[str, bytes]

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        elsewhere = []
        for blob in blobs:
            if blob in self.contents:
                yield blob, self.contents[blob]
            else:
                elsewhere.append(blob)
        yield from self.stored.read(elsewhere)


def _listed(repo: git.Repo, paths: Sequence[str]) -> list[str]:
    """Names of everything tracked or not ignored, sorted."""
    return sorted(
        set(_names(repo.git.ls_files("-z", "--cached", "--others", "--exclude-standard", "--", *paths, **RAW)))
    )


def _clean(repo: git.Repo, paths: Sequence[str]) -> dict[str, str]:
    """Name -> blob id of the files that are as the index says; those that it is told not to look at are left out."""
    changed = set(_names(repo.git.diff_files("-z", "--name-only", "--", *paths, **RAW)))
    found = {}
    for line in _names(repo.git.ls_files("-z", "-v", "-s", "--", *paths, **RAW)):
        said, _, name = line.partition("\t")
        tag, _, blob, stage = said.split(" ")
        if tag == "H" and stage == "0" and name not in changed:
            found[name] = blob
    return found


def _names(said: bytes) -> list[str]:
    return said.decode("utf-8", "surrogateescape").split("\0")[:-1]
