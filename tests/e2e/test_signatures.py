"""Signed commits: with a list of signers, what none of them signed is planned, shown, and changes nothing."""

from __future__ import annotations

import subprocess

import pytest

from reconciler.errors import SourceError
from tests.e2e.test_line import VO
from tests.house import applied, commit, git, planned, said


@pytest.fixture
def root(tmp_path):
    """A repository whose hanse.toml trusts Ada's key."""
    for name in ("ada", "eve"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", name, "-f", tmp_path / name], check=True)
    public = (tmp_path / "ada.pub").read_text()
    root = tmp_path / "fed"
    root.mkdir()
    (root / "signers").write_text(f"ada@example.org {public}")
    (root / "hanse.toml").write_text('[source]\nsigners = "signers"\n')
    return root


def sign(root, who):
    key = root.parent / f"{who}.pub"
    settings = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"]
    git(root, *settings, "commit", "-q", "--amend", "-S", "-m", f"by {who}")


@pytest.mark.parametrize("who", ["eve", "nobody"])
def test_a_commit_of_nobody_on_the_list_is_planned_and_changes_nothing(root, who):
    commit(root, {"vo.yaml": VO})
    if who != "nobody":
        sign(root, who)
    plan = planned(root)
    assert said(plan) == ["create VO/vo.example.org Unverified"]
    assert "is signed by nobody of signers" in plan.actions[0].message
    applied(root)
    assert said(planned(root)) == ["create VO/vo.example.org Unverified"]


def test_a_signed_commit_is_applied_and_an_unsigned_delete_after_it_is_not(root):
    commit(root, {"vo.yaml": VO, "other.yaml": VO.replace("vo.example", "vo2.example")})
    sign(root, "ada")
    assert len(applied(root).outcomes) == 2
    unsigned = commit(root, {"other.yaml": None})
    assert said(planned(root)) == []
    assert f"{unsigned[:12]} of main is not in force" in planned(root).warnings[0]
    sign(root, "ada")
    assert said(planned(root)) == ["delete VO/vo2.example.org RemovedFromGit"]


def test_a_list_that_is_not_there_is_an_error(root):
    commit(root, {"vo.yaml": VO})
    (root / "signers").unlink()
    with pytest.raises(SourceError, match="no such file"):
        planned(root)
