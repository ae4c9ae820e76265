"""From what a user calls a commit to the commit."""

from __future__ import annotations

from difflib import get_close_matches

import git

from reconciler.errors import SourceError


def resolved(repo: git.Repo, revision: str) -> git.Commit:
    """The commit behind a branch, tag or id. Raises SourceError naming the nearest branch or tag."""
    if revision.startswith("-"):
        raise SourceError(f"{revision}: not a commit, branch or tag")
    try:
        found = repo.commit(revision)
        _ = found.committed_date  # read now: an id alone is believed until somebody looks
    except (git.BadName, git.BadObject, ValueError, IndexError) as error:
        raise SourceError(_advice(repo, revision)) from error
    return found


def _advice(repo: git.Repo, revision: str) -> str:
    if not any(True for _ in repo.references) and revision == "HEAD":
        return "the repository has no commit yet: git add and git commit your manifests, or use --worktree"
    names = [reference.name for reference in repo.references]
    near = get_close_matches(revision, names, n=1)
    cure = f"did you mean {near[0]}?" if near else "git log shows what there is"
    return f"{revision}: no such commit, branch or tag; {cure}"
