"""Which commit is in force: signed as it must be, and following on the one before; otherwise that one stays."""

from __future__ import annotations

import os
import subprocess

import pytest

from reconciler.errors import SourceError
from reconciler.reconcile import propose
from tests.e2e.test_line import VO
from tests.house import applied, commit, git, opened, planned, said

OTHER = VO.replace("vo.example", "vo2.example")


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "fed"
    root.mkdir()
    return root


@pytest.fixture
def keys(root):
    """Ada's key and Eve's; hanse.toml wants Ada's on what is in ``manifests/ocean``."""
    for name in ("ada", "eve"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", name, "-f", root.parent / name], check=True)
    (root / "signers").write_text(f"ada@example.org {(root.parent / 'ada.pub').read_text()}")
    (root / "hanse.toml").write_text('[[source.signed]]\npaths = ["manifests/ocean"]\nsigners = "signers"\n')
    return root


def sign(root, who, *more):
    settings = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={root.parent / who}.pub"]
    git(root, *settings, "commit", "-q", "--amend", "--no-edit", "-S", *more)
    return git(root, "rev-parse", "HEAD")


def head(root):
    with opened(root) as house:
        (found,) = house.store.heads.all()
    return found


def test_a_commit_that_nobody_signed_leaves_the_one_before_in_force(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    first = sign(keys, "ada")
    applied(keys)
    second = commit(keys, {"ocean/other.yaml": OTHER})
    plan = planned(keys)
    assert (plan.commit, said(plan)) == (first, [])
    assert (
        f"{second[:12]} of main is not in force, {first[:12]} still is: commit {second[:12]} is signed by nobody"
        in (plan.warnings[0])
    )
    applied(keys)
    assert (head(keys).commit, head(keys).withheld) == (first, second)
    assert "who must sign manifests/ocean" in head(keys).why
    third = sign(keys, "ada")
    applied(keys)
    assert (head(keys).commit, head(keys).why) == (third, "")


def test_drift_is_mended_by_what_is_in_force(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    applied(keys)
    commit(keys, {"ocean/vo.yaml": None, "ocean/x.yaml": OTHER})
    assert said(planned(keys)) == []
    assert [o.action.ref for o in applied(keys).outcomes] == []


def test_elsewhere_nobody_need_sign(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    applied(keys)
    commit(keys, {"sea/other.yaml": OTHER})
    assert said(planned(keys)) == ["create VO/vo2.example.org New"]


def test_what_was_not_signed_is_found_beneath_a_signed_head(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    applied(keys)
    hidden = commit(keys, {"ocean/other.yaml": OTHER})
    commit(keys, {"ocean/more.yaml": OTHER.replace("vo2", "vo3")})
    sign(keys, "ada")
    assert f"commit {hidden[:12]} is signed by nobody" in planned(keys).warnings[0]


def test_a_merge_that_undoes_what_was_signed_must_be_signed(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    old = sign(keys, "ada")
    commit(keys, {"ocean/other.yaml": OTHER})
    sign(keys, "ada")
    applied(keys)
    git(keys, "checkout", "-q", "-b", "evil", old)
    git(keys, "commit", "-q", "--allow-empty", "-m", "aside")
    git(keys, "merge", "-q", "-s", "ours", "-m", "as it was", "main")
    evil = git(keys, "rev-parse", "HEAD")
    git(keys, "checkout", "-q", "main")
    git(keys, "merge", "-q", "--ff-only", "evil")
    assert f"commit {evil[:12]} is signed by nobody" in planned(keys).warnings[0]


def test_a_merge_of_something_else_need_not_be_signed(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    applied(keys)
    git(keys, "checkout", "-q", "-b", "topic")
    commit(keys, {"sea/other.yaml": OTHER})
    git(keys, "checkout", "-q", "main")
    commit(keys, {"ocean/more.yaml": OTHER.replace("vo2", "vo3")})
    sign(keys, "ada")
    git(keys, "merge", "-q", "-m", "topic", "topic")
    assert said(planned(keys)) == ["create VO/vo2.example.org New", "create VO/vo3.example.org New"]


def test_a_list_of_signers_in_the_commit_does_not_count(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    applied(keys)
    eve = (keys.parent / "eve.pub").read_text()
    commit(keys, {"ocean/other.yaml": OTHER, "signers": f"eve@example.org {eve}"})
    git(keys, "config", "gpg.ssh.allowedSignersFile", str(keys / "manifests" / "signers"))
    sign(keys, "eve")
    assert "is signed by nobody of signers" in planned(keys).warnings[0]


def test_rules_hold_for_the_branches_they_name(keys):
    settings = (keys / "hanse.toml").read_text()
    (keys / "hanse.toml").write_text(settings + 'branches = ["release-*"]\n')
    commit(keys, {"ocean/vo.yaml": VO})
    assert said(planned(keys)) == ["create VO/vo.example.org New"]
    git(keys, "branch", "release-1")
    with opened(keys) as house:
        assert said(propose(house, "release-1").plan) == ["create VO/vo.example.org Unverified"]


def test_what_is_no_branch_is_held_to_every_rule(keys):
    settings = (keys / "hanse.toml").read_text()
    (keys / "hanse.toml").write_text(settings + 'branches = ["release-*"]\n')
    head = commit(keys, {"ocean/vo.yaml": VO})
    with opened(keys) as house:
        assert said(propose(house, head).plan) == ["create VO/vo.example.org Unverified"]


def test_at_first_the_latest_commit_of_each_rule_counts(keys):
    """Ada signs the ocean and Eve the sea: no head could be signed by both."""
    eve = (keys.parent / "eve.pub").read_text()
    (keys / "sea-signers").write_text(f"eve@example.org {eve}")
    settings = (keys / "hanse.toml").read_text()
    more = '[[source.signed]]\npaths = ["manifests/s*/*.yaml"]\nsigners = "sea-signers"\n'
    (keys / "hanse.toml").write_text(settings + more)
    commit(keys, {"ocean/vo.yaml": VO})
    sign(keys, "ada")
    commit(keys, {"sea/other.yaml": OTHER})
    sign(keys, "eve")
    commit(keys, {"elsewhere.yaml": OTHER.replace("vo2", "vo3")})
    assert len(applied(keys).outcomes) == 3
    commit(keys, {"sea/other.yaml": None})
    sign(keys, "ada")
    assert "is signed by nobody of sea-signers" in planned(keys).warnings[0]


def test_a_first_commit_that_nobody_signed_changes_nothing(keys):
    commit(keys, {"ocean/vo.yaml": VO})
    assert said(planned(keys)) == ["create VO/vo.example.org Unverified"]


@pytest.fixture
def gpg(root, monkeypatch):
    """A key of Ada's in a keyring of her own, and its public part for Hanse."""
    home = root.parent / "gpghome"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def run(*words, **more):
        return subprocess.run(["gpg", "--batch", *words], env=environment, check=True, capture_output=True, **more)

    quick = ["--quick-generate-key", "--passphrase", "", "Ada <ada@example.org>", "ed25519", "sign", "never"]
    run("--pinentry-mode", "loopback", *quick)
    (root / "keys.asc").write_bytes(run("--export", "--armor").stdout)
    (root / "hanse.toml").write_text('[[source.signed]]\nkeyring = "keys.asc"\n')
    monkeypatch.setenv("GNUPGHOME", str(home))
    yield root
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


def test_a_gpg_signature_counts_when_its_key_is_on_the_ring(gpg):
    commit(gpg, {"vo.yaml": VO})
    git(gpg, "-c", "user.signingkey=ada@example.org", "commit", "-q", "--amend", "--no-edit", "-S")
    assert said(planned(gpg)) == ["create VO/vo.example.org New"]


def test_the_keyring_of_whoever_runs_it_does_not_count(gpg):
    commit(gpg, {"vo.yaml": VO})
    git(gpg, "-c", "user.signingkey=ada@example.org", "commit", "-q", "--amend", "--no-edit", "-S")
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", gpg.parent / "other"], check=True)
    (gpg / "signers").write_text(f"other@example.org {(gpg.parent / 'other.pub').read_text()}")
    (gpg / "hanse.toml").write_text('[[source.signed]]\nsigners = "signers"\n')
    assert said(planned(gpg)) == ["create VO/vo.example.org Unverified"]


def test_a_keyring_that_is_none_is_an_error(gpg):
    commit(gpg, {"vo.yaml": VO})
    (gpg / "keys.asc").write_text("no keys\n")
    with pytest.raises(SourceError, match="is no list of public keys"):
        planned(gpg)


def test_a_rewritten_history_is_refused_until_it_is_acknowledged(root):
    commit(root, {"vo.yaml": VO})
    first = commit(root, {"other.yaml": OTHER})
    applied(root)
    git(root, "reset", "-q", "--hard", "HEAD~1")
    second = commit(root, {"third.yaml": OTHER.replace("vo2", "vo3")})
    plan = planned(root)
    assert (plan.commit, said(plan)) == (first, [])
    assert "history was rewritten" in plan.warnings[0]
    assert f"hanse acknowledge {second[:12]} takes it" in plan.warnings[0]
    applied(root)
    assert head(root).withheld == second
    with opened(root) as house:
        house.store.heads.acknowledge("main", second, "me", "")
    assert sorted(said(planned(root))) == ["create VO/vo3.example.org New", "delete VO/vo2.example.org RemovedFromGit"]
    applied(root)
    assert (head(root).commit, head(root).why) == (second, "")


def test_an_acknowledgement_is_for_one_commit(root):
    commit(root, {"vo.yaml": VO})
    commit(root, {"other.yaml": OTHER})
    applied(root)
    git(root, "reset", "-q", "--hard", "HEAD~1")
    taken = commit(root, {"third.yaml": OTHER.replace("vo2", "vo3")})
    with opened(root) as house:
        house.store.heads.acknowledge("main", taken, "me", "")
    commit(root, {"fourth.yaml": OTHER.replace("vo2", "vo4")})
    assert "history was rewritten" in planned(root).warnings[0]
