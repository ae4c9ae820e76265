"""Stage 1, commit -> Revision: the only stage that touches git. It lists; contents are read when they are wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import git

from reconciler.errors import SourceError
from reconciler.model import Revision
from reconciler.source.listing import MAX_BYTES, changed_files, files_at
from reconciler.source.names import resolved

__all__ = ["read"]

WORKTREE = "worktree"


def read(
    repository: Path,
    revision: str = "HEAD",
    *,
    worktree: bool = False,
    paths: Sequence[str] = ("manifests",),
    earlier: Revision | None = None,
) -> Revision:
    """The manifests at a commit, branch or tag of a local or bare repository, or in its working tree.

    With ``earlier`` of the same repository and paths, only the difference of the two commits is listed. Raises
    SourceError with every fault: symlinks, submodules, files over 1 MiB, trees over 1,000,000 files, missing paths.
    """
    repo = _opened(repository)
    if worktree:
        return _working(repo, paths)
    commit = resolved(repo, revision)
    files = changed_files(repo, commit.hexsha, paths, earlier) if earlier else None
    return Revision(
        commit=commit.hexsha,
        files=files if files is not None else files_at(repo, commit.hexsha, paths),
        blobs=_Stored(repo),
        author=f"{commit.author.name} <{commit.author.email}>",
        committed=datetime.fromtimestamp(commit.committed_date, UTC),
        subject=str(commit.summary),
        paths=tuple(paths),
    )


def _opened(repository: Path) -> git.Repo:
    try:
        return git.Repo(repository, search_parent_directories=True)
    except git.NoSuchPathError as error:
        raise SourceError(f"{repository}: no such directory") from error
    except git.InvalidGitRepositoryError as error:
        raise SourceError(
            f"{repository}: not a git repository; git init makes one, hanse init a whole start"
        ) from error


@dataclass(frozen=True)
class _Stored:
    """Contents out of git's object store, all through one call."""

    repo: git.Repo

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with TemporaryFile() as names:
            names.write("".join(f"{blob}\n" for blob in blobs).encode())
            if not names.tell():
                return
            names.seek(0)
            process = self.repo.git.cat_file("--batch", istream=names, as_process=True)
            try:
                yield from _batch(process.stdout)
            finally:
                process.stdout.close()
                process.stderr.close()
                process.proc.terminate()
                process.proc.wait()


def _batch(out: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """What ``git cat-file --batch`` writes: a header line, the content, a newline."""
    for header in out:
        blob, _, size = header.decode().rstrip("\n").partition(" blob ")
        if not size.isdigit():
            raise SourceError(f"the repository cannot give blob {blob}: git fsck tells more")
        if int(size) > MAX_BYTES:
            raise SourceError(f"blob {blob}: {size} bytes are over {MAX_BYTES} bytes; split the file")
        yield blob, out.read(int(size))
        out.read(1)


@dataclass(frozen=True)
class _Files:
    """Contents out of the working tree, read once when they were named."""

    contents: Mapping[str, bytes]

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((blob, self.contents[blob]) for blob in blobs)


def _working(repo: git.Repo, paths: Sequence[str]) -> Revision:
    """Tracked and untracked files as they are on disk, less what git ignores."""
    if repo.working_tree_dir is None:
        raise SourceError(f"{repo.common_dir}: a bare repository has no working tree; leave --worktree out")
    root = Path(repo.working_tree_dir)
    listed = repo.git.ls_files("-z", "--cached", "--others", "--exclude-standard", "--", *paths)
    faults = [f"{path}: no such path in the working tree" for path in paths if not (root / path).exists()]
    files: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for name in sorted(set(listed.split("\0"))):
        path = root / name
        if path.is_symlink():
            faults.append(f"{name}: is a symbolic link; put the file itself there")
        elif name.endswith((".yaml", ".yml")) and path.is_file():
            content = path.read_bytes()
            if len(content) > MAX_BYTES:
                faults.append(f"{name}: over {MAX_BYTES} bytes; split it")
            files[name] = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            contents[files[name]] = content
    if faults:
        raise SourceError("\n".join(faults))
    return Revision(WORKTREE, files, _Files(contents), paths=tuple(paths))
