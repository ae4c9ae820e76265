"""Which commit was current at a time, and where a branch began."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import git

from reconciler.errors import SourceError
from reconciler.source.names import resolved
from reconciler.source.repository import opened


def commit_at(repository: Path, revision: str, moment: datetime) -> str:
    """The id of the last commit of a branch that was there at ``moment``; "" when there was none yet.

    Along first parents, by the time of the commit: a branch that was merged later was not current before.
    """
    repo = opened(repository)
    tip = resolved(repo, revision)
    try:
        return str(repo.git.rev_list("-1", "--first-parent", f"--min-age={int(moment.timestamp())}", tip))
    except git.GitCommandError as error:
        raise SourceError(f"the history of {revision} cannot be read: {error.stderr.strip()}") from error


def forked_from(repository: Path, revision: str, branch: str) -> str:
    """The last commit that a revision and a branch have in common. Raises SourceError where there is none."""
    repo = opened(repository)
    tips = resolved(repo, revision), resolved(repo, branch)
    try:
        return str(repo.git.merge_base(*tips))
    except git.GitCommandError as error:
        message = f"{revision} and {branch} have no commit in common"
        raise SourceError(f"{message}: is the history all there (git fetch --unshallow)?") from error
