"""Who made a file what it is, told by git alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.source.signatures import Signers
from reconciler.source.tracing import authors, traced


class Work:
    """A repository in which several people commit."""

    def __init__(self, root: Path) -> None:
        self.root = root / "repository"
        self.keys = root
        self.root.mkdir()
        self("init", "-q", "-b", "main")
        self.signers = root / "signers"
        self.signers.touch()

    def __call__(self, *words: str, **environment: str) -> str:
        who = {
            "GIT_AUTHOR_NAME": "x",
            "GIT_AUTHOR_EMAIL": "x@y",
            "GIT_COMMITTER_NAME": "x",
            "GIT_COMMITTER_EMAIL": "x@y",
        }
        command = ["git", "-C", str(self.root), *words]
        env = {**os.environ, **who, **environment}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.strip()

    def key(self, name: str) -> None:
        file = self.keys / name
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", name, "-f", file], check=True)
        with self.signers.open("a", encoding="utf-8") as out:
            out.write(f'{name}@example.org namespaces="git" {(self.keys / f"{name}.pub").read_text(encoding="utf-8")}')

    def commit(self, *, by: str = "", say: str = "change", merge: str = "", strategy: str = "", **files: str) -> str:
        for name, content in files.items():
            (self.root / name).write_text(content, encoding="utf-8")
            self("add", name)
        signed = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self.keys / by}"] if by else []
        flag = ["-S"] if by else []
        if merge:
            self(*signed, "merge", "-q", "--no-ff", *flag, *(["-s", strategy] if strategy else []), "-m", say, merge)
        else:
            self(*signed, "commit", "-q", "--allow-empty", *flag, "-m", say)
        return self("rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_each_file_is_told_apart_and_what_was_before_does_not_count(work):
    base = work.commit(a="1", b="1")
    mine, other = work.commit(a="2"), work.commit(b="2")
    again = work.commit(a="3")
    found = traced(work.root, base, "HEAD", ["a", "b", "c"])
    assert found.makers == {"a": {mine, again}, "b": {other}, "c": set()}
    assert traced(work.root, "", "HEAD", ["a"]).makers["a"] == {base, mine, again}
    assert traced(work.root, "HEAD", "HEAD", ["a"]).makers["a"] == frozenset()


def test_a_merge_is_no_maker_of_what_a_line_made_but_brings_it(work):
    base = work.commit(a="1", b="1")
    work("checkout", "-q", "-b", "line")
    theirs = work.commit(a="2")
    work("checkout", "-q", "main")
    work.commit(b="2")
    merge = work.commit(merge="line")
    found = traced(work.root, base, "HEAD", ["a", "b"])
    assert (found.makers["a"], found.mergers["a"]) == ({theirs}, {merge})
    assert found.mergers["b"] == frozenset()


def test_a_merge_that_changes_a_file_made_it(work):
    base = work.commit(a="1")
    work("checkout", "-q", "-b", "line")
    theirs = work.commit(a="2")
    work("checkout", "-q", "main")
    work.commit(b="2")
    work("merge", "-q", "--no-commit", "--no-ff", "line")
    evil = work.commit(a="3")
    assert traced(work.root, base, "HEAD", ["a"]).makers["a"] == {evil, theirs}


def test_who_brings_old_content_back_by_a_merge_is_not_taken_for_its_author(work):
    work.commit(a="old")
    work("branch", "stale")
    base = work.commit(a="new")
    rightful = work.commit(a="newer")
    work("checkout", "-q", "stale")
    work.commit(b="1")
    merge = work.commit(merge="main", strategy="ours")
    found = traced(work.root, base, "HEAD", ["a"])
    assert rightful not in found.makers["a"]
    assert found.makers["a"] == {merge}


def test_what_was_taken_back_made_nothing(work):
    base = work.commit(a="1", b="1")
    work.commit(a="2", b="2")
    work.commit(a="1")
    mine = work.commit(a="3")
    found = traced(work.root, base, "HEAD", ["a", "b"])
    assert found.makers["a"] == {mine}
    assert len(found.makers["b"]) == 1


def test_what_was_taken_away_was_done_by_whoever_did_it(work):
    base = work.commit(a="1", b="1")
    work("rm", "-q", "a")
    gone = work.commit()
    found = traced(work.root, base, "HEAD", ["a"])
    assert found.makers["a"] == {gone}
    work.commit(a="1")
    assert traced(work.root, base, "HEAD", ["a"]).makers["a"] == frozenset()


def test_signers_are_told_by_the_lists_alone(work):
    work.key("ada")
    listed = work.commit(by="ada", a="1")
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", work.keys / "eve"], check=True)
    stranger, plain = work.commit(by="eve", a="2"), work.commit(a="3")
    found = authors(work.root, [listed, stranger, plain], [Signers(work.signers)])
    assert [found[one].principal for one in (listed, stranger, plain)] == ["ada@example.org", "", ""]
    assert found[plain].email == "x@y"
    assert authors(work.root, [listed], [])[listed].principal == ""


def test_words_in_trailers_are_found_since_the_base(work):
    base = work.commit(say="old\n\nHanse-Agreed: aaaa", a="1")
    said = work.commit(say="I agree\n\nHanse-Agreed: bbbb\nHanse-Agreed: cccc")
    work.commit(say="Hanse-Agreed: dddd is only mentioned\n\nnothing here")
    assert dict(traced(work.root, base, "HEAD", ["a"]).words) == {said: {"bbbb", "cccc"}}


def test_a_signature_over_a_commit_that_names_another_in_its_text_proves_only_itself(work):
    work.key("ada")
    named = work.commit(a="1")
    work.commit(by="ada", say=f"{named}\x1fG\x1fada@example.org")
    assert authors(work.root, [named], [Signers(work.signers)])[named].principal == ""
