"""Stage 1, commit -> Revision: the only stage that touches git. It lists; contents are read when they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler.model import Revision
from reconciler.source import worktree as working
from reconciler.source.blobs import Stored
from reconciler.source.fetching import BRANCHES, Remote, fetch, heads
from reconciler.source.judging import Before, Judged, Rule, branch_of, fork, head_of, judge, missing
from reconciler.source.listing import changed_files, files_at
from reconciler.source.names import resolved
from reconciler.source.repository import opened
from reconciler.source.signatures import Signers, unverified
from reconciler.source.single import content

__all__ = [
    "BRANCHES",
    "Before",
    "Judged",
    "Remote",
    "Rule",
    "Signers",
    "branch_of",
    "content",
    "fetch",
    "fork",
    "head_of",
    "heads",
    "judge",
    "missing",
    "read",
]


def read(
    repository: Path,
    revision: str = "HEAD",
    *,
    worktree: bool = False,
    paths: Sequence[str] = ("manifests",),
    earlier: Revision | None = None,
    signers: Path | None = None,
) -> Revision:
    """The manifests at a commit, branch or tag of a local or bare repository, or in its working tree.

    With ``earlier`` of the same repository and paths, only the difference of the two commits is listed. Symlinks,
    submodules, files over 1 MiB and wrong names are ``refused``: the manifest stage says so beside its own faults and
    goes no further. Raises SourceError for trees over 1,000,000 files and missing paths. The size of a committed file
    is looked at when it is read. With ``signers``, whether one of them signed the commit is said in ``unverified``.
    """
    repo = opened(repository)
    if worktree:
        files = working.read(repo, paths)
        return replace(files, unverified="files of a working tree are not signed") if signers else files
    commit = repo.commit(resolved(repo, revision))
    listed = changed_files(repo, commit.hexsha, paths, earlier) if earlier else None
    if listed is None:
        listed = files_at(repo, commit.hexsha, paths)
    return Revision(
        commit=commit.hexsha,
        files=listed.files,
        blobs=Stored(repo, listed.files),
        author=f"{commit.author.name} <{commit.author.email}>",
        committed=datetime.fromtimestamp(commit.committed_date, UTC),
        subject=str(commit.summary),
        paths=tuple(paths),
        refused=listed.refused,
        unverified=unverified(repo, commit.hexsha, signers),
    )
