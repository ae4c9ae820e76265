"""From what a user calls a commit to the commit."""

from __future__ import annotations

import git

from reconciler.errors import SourceError
from reconciler.nearest import meant


def resolved(repo: git.Repo, revision: str) -> str:
    """The id of the commit behind a branch, tag or id. Raises SourceError naming the nearest branch or tag."""
    if revision.startswith("-"):
        raise SourceError(f"{revision}: not a commit, branch or tag")
    try:
        return str(repo.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"))
    except git.GitCommandError as error:
        raise SourceError(_advice(repo, revision)) from error


def _advice(repo: git.Repo, revision: str) -> str:
    names = repo.git.for_each_ref("--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes").split("\n")
    if names == [""] and revision == "HEAD":
        return "the repository has no commit yet: git add and git commit your manifests, or use --worktree"
    cure = meant(revision, names, "git log shows what there is")
    return f"{revision}: no such commit, branch or tag; {cure}"
