"""What a branch said when: contents of files over its history."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.source.repository as made
from reconciler.source.stated import contents, continues, cut_off, read_blobs
from tests.source.repository import commit, git, repository

FIRST = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """A day passes with each commit."""
    days = count(1)

    def tick() -> None:
        when = FIRST + timedelta(days=next(days))
        monkeypatch.setitem(made._CLEAN, "GIT_COMMITTER_DATE", when.isoformat())

    return tick


def told(where, revision="HEAD", paths=("downs/a.yaml",), since=""):
    """Path -> [(day, text)]."""
    found = contents(where, revision, paths, since)
    blobs = {one.blob for some in found.values() for one in some if one.blob}
    texts = {blob: text.decode() for blob, text in read_blobs(where, blobs)}
    return {path: [((one.at - FIRST).days, texts.get(one.blob, "")) for one in some] for path, some in found.items()}


def test_every_content_of_a_file_is_told_with_its_day(tmp_path, clock):
    clock()
    where = repository(tmp_path / "r", {"downs/a.yaml": "a: 1\n", "other/b.yaml": "b: 1\n"})
    clock()
    commit(where, {"other/b.yaml": "b: 2\n"})
    clock()
    commit(where, {"downs/a.yaml": "a: 2\n"})
    clock()
    commit(where, {"downs/a.yaml": None})
    clock()
    commit(where, {"downs/a.yaml": "a: 1\n"})
    assert told(where) == {"downs/a.yaml": [(1, "a: 1\n"), (3, "a: 2\n"), (4, ""), (5, "a: 1\n")]}


def test_a_rename_keeps_the_past_within_a_folder_and_between_folders(tmp_path, clock):
    body = "".join(f"line{n}: 1\n" for n in range(20))
    clock()
    where = repository(tmp_path / "r", {"old/x.yaml": body, "downs/c.yaml": "c: 1\n"})
    clock()
    git(where, "mv", "old/x.yaml", "downs/b.yaml")
    git(where, "commit", "-qm", "moved")
    clock()
    git(where, "mv", "downs/b.yaml", "downs/a.yaml")
    (where / "downs/a.yaml").write_text(f"{body}more: 1\n")
    git(where, "commit", "-qam", "called otherwise")
    assert [day for day, _ in told(where)["downs/a.yaml"]] == [1, 2, 3]
    assert told(where)["downs/a.yaml"][0][1] == body


def test_what_was_merged_became_current_by_the_merge(tmp_path, clock):
    clock()
    where = repository(tmp_path / "r", {"downs/c.yaml": "c: 1\n"})
    git(where, "checkout", "-q", "-b", "side")
    clock()
    commit(where, {"downs/a.yaml": "a: 1\n"})
    git(where, "checkout", "-q", "main")
    clock()
    commit(where, {"downs/c.yaml": "c: 2\n"})
    clock()
    git(where, "merge", "-q", "--no-ff", "-m", "merge", "side")
    assert told(where) == {"downs/a.yaml": [(4, "a: 1\n")]}


def test_later_commits_are_read_alone(tmp_path, clock):
    clock()
    where = repository(tmp_path / "r", {"downs/a.yaml": "a: 1\n"})
    first = git(where, "rev-parse", "HEAD")
    clock()
    second = commit(where, {"downs/a.yaml": "a: 2\n"})
    assert told(where, since=first) == {"downs/a.yaml": [(2, "a: 2\n")]}
    assert continues(where, first, second)
    assert not continues(where, second, first)
    assert not continues(where, "0" * 40, second)


def test_a_shallow_clone_is_known_as_such(tmp_path, clock):
    clock()
    where = repository(tmp_path / "r", {"downs/a.yaml": "a: 1\n"})
    clock()
    commit(where, {"downs/c.yaml": "c: 1\n"})
    assert not cut_off(where)
    words = ["git", "clone", "-q", "--depth", "1", f"file://{where}", str(tmp_path / "s")]
    subprocess.run(words, check=True, env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")})
    assert cut_off(tmp_path / "s")


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), max_size=2), max_size=6)
)
def test_the_log_tells_what_each_commit_has(tmp_path_factory, steps):
    """Against a plain reading of every commit: a file's contents are the places where its blob changed."""
    where = repository(tmp_path_factory.mktemp("r") / "r", {"downs/z.yaml": "z: 0\n"})
    tips, there = [git(where, "rev-parse", "HEAD")], dict[str, str]()
    for step in steps:
        wanted = {name: said for name, said in step.items() if there.get(name) != said and (said or name in there)}
        if not wanted:
            continue
        there = {name: said for name, said in {**there, **wanted}.items() if said}
        files = {f"downs/{name}.yaml": f"{name}: {said}\n" if said else None for name, said in wanted.items()}
        tips.append(commit(where, files))
    for name in "abc":
        path, seen = f"downs/{name}.yaml", [""]
        for tip in tips:
            blob = git(where, "rev-parse", "-q", "--verify", f"{tip}:{path}") if _has(where, tip, path) else ""
            seen += [blob] if blob != seen[-1] else []
        assert [one.blob for one in contents(where, "HEAD", [path]).get(path, [])] == seen[1:]


def _has(where, tip: str, path: str) -> bool:
    return path in git(where, "ls-tree", "-r", "--name-only", tip).splitlines()
