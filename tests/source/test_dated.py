"""Which commit was current at a time, along first parents."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import SourceError
from reconciler.source.dated import commit_at

START = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    """Commits by day; one of the second day came in by a merge on the fourth."""

    def git(*words: str, day: int = 0) -> str:
        when = (START + timedelta(days=day)).isoformat()
        dated = {**os.environ, "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
        told = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words]
        return subprocess.run(told, cwd=tmp_path, check=True, capture_output=True, text=True, env=dated).stdout.strip()

    git("init", "-q", "-b", "main")
    ids = {}
    for day, branch in ((0, "main"), (1, "side"), (2, "main")):
        git("checkout", "-q", *(["-b", branch] if branch == "side" else [branch] if day else ["-B", branch]))
        git("commit", "-q", "--allow-empty", "-m", f"{day}", day=day)
        ids[day] = git("rev-parse", "HEAD")
    git("merge", "-q", "--no-ff", "-m", "merge", "side", day=3)
    ids[3] = git("rev-parse", "HEAD")
    return tmp_path, ids


@pytest.mark.parametrize(("hours", "expected"), [(0, 0), (1, 0), (25, 0), (48, 2), (71, 2), (72, 3), (9999, 3)])
def test_the_last_commit_of_the_branch_itself_is_current(made, hours, expected):
    root, ids = made
    assert commit_at(root, "main", START + timedelta(hours=hours)) == ids[expected]


def test_before_the_first_commit_there_is_none(made):
    assert commit_at(made[0], "main", START - timedelta(seconds=1)) == ""


def test_a_branch_that_there_is_not_is_refused(made):
    with pytest.raises(SourceError, match="no such commit"):
        commit_at(made[0], "other", START)
