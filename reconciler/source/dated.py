"""Which commit was current at a time."""

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
