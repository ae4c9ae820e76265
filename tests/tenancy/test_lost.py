"""A repository that has lost what was accepted: nothing is done, it is told, and a person can go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from reconciler.cli.application import app
from reconciler.daemon.loop import Bell
from reconciler.daemon.service import Service
from reconciler.errors import CommitLost
from tests.house import applied, commit, git, opened, planned, said
from tests.tenancy.federation import begun, record, signed


def hanse(root: Path, *words: str):
    return CliRunner().invoke(app, ["-C", str(root), *words])


def lose(root: Path) -> None:
    """What no branch has any more is gone, as it is from a copy that was fetched anew."""
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "-q", "--prune=now")


def step(root: Path):
    with opened(root) as house:
        return Service(house, "HEAD").step(Bell())


@pytest.fixture
def rewritten(tmp_path: Path) -> Path:
    """Its last commit was accepted, then made anew with something else in it, then lost."""
    root = begun(tmp_path / "fed")
    signed(root, "ada", {"tides/www.yaml": record("tides", value="192.0.2.9")})
    applied(root, until_quiet=True)
    git(root, "reset", "-q", "--hard", "HEAD~1")
    signed(root, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    return root


def test_a_round_says_that_what_was_accepted_is_lost_and_status_goes_on_saying_it(rewritten):
    lose(rewritten)
    head = git(rewritten, "rev-parse", "HEAD")
    for _ in range(2):
        with pytest.raises(CommitLost, match=f"who may what is not known; .*hanse acknowledge {head[:12]} takes it"):
            step(rewritten)
    told = hanse(rewritten, "status").output
    assert f"{head[:12]} is not in force" in told
    assert f"hanse acknowledge {head[:12]}" in told


def test_an_acknowledged_head_is_taken_after_a_loss_and_judged_from_there_on(rewritten):
    lose(rewritten)
    with pytest.raises(CommitLost):
        step(rewritten)
    answer = hanse(rewritten, "acknowledge", git(rewritten, "rev-parse", "HEAD")[:12], "--reason", "the copy was lost")
    assert answer.exit_code == 0
    assert "which was accepted before, is lost: everything counts as it is at" in answer.output
    assert [str(one.state) for one in step(rewritten)[1].outcomes] == ["done"]
    assert "not in force" not in hanse(rewritten, "status").output
    signed(rewritten, "bob", {"tides/www.yaml": record("tides", value="192.0.2.67")})
    assert said(planned(rewritten)) == ["update DNSRecord/tides/www NotAuthorised"]


def test_a_word_that_was_given_before_the_loss_takes_nothing_that_was_held_back(rewritten):
    assert hanse(rewritten, "acknowledge", "HEAD").exit_code == 0
    applied(rewritten)
    assert said(planned(rewritten)) == ["update DNSRecord/tides/www NotAuthorised"]
    lose(rewritten)
    with pytest.raises(CommitLost, match="hanse acknowledge [0-9a-f]{12} takes what is there now"):
        step(rewritten)
    commit(rewritten, {"tides/www.yaml": record("tides", value="192.0.2.9")})
    assert hanse(rewritten, "acknowledge", "HEAD").exit_code == 0
    step(rewritten)
    assert said(planned(rewritten)) == []
