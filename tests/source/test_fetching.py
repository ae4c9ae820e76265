"""Fetching from a real server: all branches or none, a password that is nowhere to be seen, HEAD as the remote has it."""

from __future__ import annotations

import pytest

from reconciler import source
from reconciler.errors import SourceError
from reconciler.source import Remote
from tests.real.githttp import git_server
from tests.source.repository import FILES, commit, contents, git, repository

SECRET = "s3cret-of-the-source"


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with git_server(folder) as made:
        yield made


@pytest.fixture
def pushed(tmp_path, server):
    """A repository whose commits are pushed to the server's ``fed.git``."""
    server.made("fed.git")
    made = repository(tmp_path / "work")
    git(made, "remote", "add", "origin", f"{server.url}/fed.git")
    git(made, "push", "-q", "origin", "main")
    return made


def test_what_was_pushed_is_fetched_and_read(tmp_path, server, pushed):
    mirror, remote = tmp_path / "x" / "mirror.git", Remote(f"{server.url}/fed.git")
    assert source.fetch(mirror, remote)
    assert not source.fetch(mirror, remote)
    assert set(contents(source.read(mirror, "main"))) == {name for name in FILES if name.endswith(("a.yaml", "b.yml"))}
    head = commit(pushed, {"manifests/a.yaml": "a: 2\n"})
    git(pushed, "push", "-q", "origin", "main")
    assert source.fetch(mirror, remote)
    assert source.read(mirror, "HEAD").commit == head


def test_head_means_the_default_branch_of_the_remote(tmp_path, server, pushed):
    git(server.folder / "fed.git", "symbolic-ref", "HEAD", "refs/heads/trunk")
    git(pushed, "push", "-q", "origin", "main:trunk")
    source.fetch(tmp_path / "mirror.git", Remote(f"{server.url}/fed.git"))
    assert git(tmp_path / "mirror.git", "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_a_password_is_asked_for_and_stands_nowhere(tmp_path, server, pushed):
    server.login = f"robot:{SECRET}"
    mirror = tmp_path / "mirror.git"
    source.fetch(mirror, Remote(f"{server.url}/fed.git", "robot", SECRET))
    assert source.read(mirror, "main").files
    written = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert written == []
    assert SECRET not in repr(Remote("https://git.example.org", "robot", SECRET))


def test_a_wrong_password_is_told_without_it(tmp_path, server, pushed):
    server.login = "robot:another"
    with pytest.raises(SourceError, match="cannot be fetched: Authentication failed") as caught:
        source.fetch(tmp_path / "mirror.git", Remote(f"{server.url}/fed.git", "robot", SECRET))
    assert SECRET not in str(caught.value)


def test_what_cannot_be_fetched_leaves_everything_as_it_was(tmp_path, server, pushed):
    mirror, remote = tmp_path / "mirror.git", Remote(f"{server.url}/fed.git")
    source.fetch(mirror, remote)
    before = source.read(mirror, "main").commit
    server.down = True
    with pytest.raises(SourceError, match="503"):
        source.fetch(mirror, remote)
    assert source.read(mirror, "main").commit == before


def test_one_branch_that_does_not_come_keeps_all_others_back(tmp_path, server, pushed):
    mirror, remote = tmp_path / "mirror.git", Remote(f"{server.url}/fed.git")
    git(pushed, "push", "-q", "origin", "main:topic")
    source.fetch(mirror, remote)
    before = source.read(mirror, "main").commit
    git(mirror, "update-ref", "refs/heads/new/deep", before)  # stands in the way of a branch called new
    commit(pushed, {"manifests/a.yaml": "a: 3\n"})
    git(pushed, "push", "-q", "origin", "main", "main:new")
    with pytest.raises(SourceError, match="cannot be fetched"):
        source.fetch(mirror, remote)
    assert source.read(mirror, "main").commit == before


def test_a_branch_that_vanishes_elsewhere_stays_here(tmp_path, server, pushed):
    mirror, remote = tmp_path / "mirror.git", Remote(f"{server.url}/fed.git")
    source.fetch(mirror, remote)
    git(server.folder / "fed.git", "update-ref", "-d", "refs/heads/main")
    source.fetch(mirror, remote)
    assert source.read(mirror, "main").files


@pytest.mark.parametrize("url", ["ext::sh -c touch% x", "--upload-pack=touch x"])
def test_a_url_runs_no_program(tmp_path, url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        source.fetch(tmp_path / "mirror.git", Remote(url))
    assert not (tmp_path / "x").exists()
