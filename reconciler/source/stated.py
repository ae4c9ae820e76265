"""When a branch said what in some files: every content that each of them had, with the time of the commit.

Along first parents, like everything that is asked of a branch's past: what was merged became current by its merge, at
the time of that commit. A file that was renamed keeps its past. One call to git tells of all files, of the folders in
which they are; a second one looks for renames where a file came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import git

from reconciler.errors import SourceError
from reconciler.source.blobs import Stored
from reconciler.source.listing import RAW
from reconciler.source.names import resolved
from reconciler.source.repository import opened

_LOG = ("--no-follow", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--root", "--no-abbrev", "-M")
_FORMAT = "--format=tformat:%x01%H %ct"
_RENAMES = 8
"""How many folders back a file is followed."""


class Content(NamedTuple):
    """What a file was from a commit on."""

    at: datetime
    """Committer date, UTC."""
    blob: str
    """Blob id; "" where the commit took the file away."""


class _Change(NamedTuple):
    order: int
    """0 is the newest commit."""
    commit: str
    at: datetime
    status: str
    blob: str
    former: str
    """The name before, of a rename."""


def cut_off(repository: Path) -> bool:
    """Whether the history is not all there (a shallow clone): what is its first commit then, stated nothing first."""
    return bool(opened(repository).git.rev_parse("--is-shallow-repository") == "true")


def contents(repository: Path, revision: str, paths: Collection[str], since: str = "") -> dict[str, list[Content]]:
    """Path -> what the file was, the oldest first, up to a commit; of those that ever were on its branch.

    With ``since``, an earlier commit of the branch, only what came after it. Raises SourceError.
    """
    repo = opened(repository)
    tip = resolved(repo, revision)
    span = f"{since}..{tip}" if since else tip
    try:
        return _followed(repo, span, paths)
    except git.GitCommandError as error:
        raise SourceError(f"the history of {revision} cannot be read: {error.stderr.strip()}") from error


def continues(repository: Path, earlier: str, revision: str) -> bool:
    """Whether ``earlier`` is a former tip of the branch: it is reached along first parents."""
    repo = opened(repository)
    if earlier == revision:
        return True
    try:
        said = str(repo.git.rev_list("--first-parent", "--parents", f"{earlier}..{revision}"))
    except git.GitCommandError:  # it is gone
        return False
    return bool(said) and said.rsplit("\n", maxsplit=1)[-1].split(" ")[1:2] == [earlier]


def read_blobs(repository: Path, blobs: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """(blob id, content) of each. Raises SourceError where one cannot be had."""
    yield from Stored(opened(repository), {}).read(blobs)


@dataclass
class _Log:
    """The changes of every file in some folders."""

    changes: dict[str, list[_Change]] = field(default_factory=dict)
    """Path -> its changes, the newest first."""

    def births(self, paths: Collection[str]) -> set[str]:
        """The commits in which these files came, or one that was called otherwise later."""
        former = {one.former for some in self.changes.values() for one in some}
        names = [*paths, *(former - {""})]
        return {one.commit for name in names for one in self.changes.get(name, ()) if one.status == "A"}

    def contents(self, path: str, outside: Mapping[tuple[str, str], str]) -> Iterator[Content]:
        """What a file was, the newest first, under its former names too."""
        newest = 0
        seen = set[str]()
        while path not in seen:
            seen.add(path)
            for one in [one for one in self.changes.get(path, ()) if one.order >= newest]:
                yield Content(one.at, one.blob)
                former = one.former or (outside.get((one.commit, path), "") if one.status == "A" else "")
                if former:
                    path, newest = former, one.order + 1
                    break


def _followed(repo: git.Repo, span: str, paths: Collection[str]) -> dict[str, list[Content]]:
    folders = {str(PurePosixPath(path).parent) for path in paths}
    outside: dict[tuple[str, str], str] = {}
    for _ in range(_RENAMES):
        log = _Log()
        for change, path in _walked(repo, span, folders):
            log.changes.setdefault(path, []).append(change)
        outside.update(_renames(repo, log.births(paths)))
        more = {str(PurePosixPath(former).parent) for former in outside.values()} - folders
        if not more:
            break
        folders |= more
    found = {path: [*log.contents(path, outside)][::-1] for path in paths}
    return {path: some for path, some in found.items() if some}


def _walked(repo: git.Repo, span: str, folders: Collection[str]) -> Iterator[tuple[_Change, str]]:
    if not folders:
        return
    where = [] if "." in folders else sorted(folders)
    said = repo.git.log(*_LOG, _FORMAT, span, "--", *where, **RAW)
    yield from _parsed(said)


def _renames(repo: git.Repo, commits: Iterable[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """(commit, new name) -> former name, of the renames of whole commits."""
    some = sorted(commits)
    if not some:
        return
    said = repo.git.log("--no-walk=unsorted", "--diff-filter=R", *_LOG, _FORMAT, *some, "--", **RAW)
    for change, path in _parsed(said):
        yield (change.commit, path), change.former


def _parsed(said: bytes) -> Iterator[tuple[_Change, str]]:
    """The lines of ``git log --raw -z``: a commit, then for each file its change and its name, or both names."""
    parts = iter(said.decode("utf-8", "surrogateescape").split("\0"))
    order, commit, at = -1, "", datetime.min.replace(tzinfo=UTC)
    for part in parts:
        text = part.lstrip("\n")
        if text.startswith("\x01"):
            commit, _, seconds = text[1:].partition(" ")
            order, at = order + 1, datetime.fromtimestamp(int(seconds), UTC)
        elif text.startswith(":"):
            *_, blob, status = text.split(" ")
            former = next(parts) if status[0] in "RC" else ""
            kept = "" if status == "D" else blob
            path = next(parts)
            yield _Change(order, commit, at, status[0], kept, former if status[0] == "R" else ""), path
            if status[0] == "R":
                yield _Change(order, commit, at, "D", "", ""), former
