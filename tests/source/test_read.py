"""Commits, branches and working trees of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.source import read


def git(where: Path, *words: str) -> str:
    identity = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *words], cwd=where, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(where: Path, files: dict[str, str | None], subject: str = "change") -> str:
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(where, "add", "-A")
    git(where, "commit", "-qm", subject)
    return git(where, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(
        tmp_path,
        {
            "manifests/a.yaml": "a: 1\n",
            "manifests/sub/b.yml": "b: 1\n",
            "manifests/readme.md": "",
            "other/c.yaml": "c: 1\n",
        },
        "first",
    )
    return tmp_path


def contents(revision) -> dict[str, bytes]:
    by_blob = dict(revision.blobs.read(revision.files.values()))
    return {path: by_blob[blob] for path, blob in revision.files.items()}


def test_only_yaml_under_the_paths_is_listed(repo):
    found = read(repo)
    assert contents(found) == {"manifests/a.yaml": b"a: 1\n", "manifests/sub/b.yml": b"b: 1\n"}
    assert (found.subject, found.author) == ("first", "A Tester <tester@example.org>")
    assert found.committed.tzinfo is not None


def test_an_earlier_commit_and_a_bare_repository_read_the_same(repo, tmp_path_factory):
    first = git(repo, "rev-parse", "HEAD")
    commit(repo, {"manifests/a.yaml": "a: 2\n"})
    bare = tmp_path_factory.mktemp("bare")
    git(bare, "clone", "-q", "--bare", str(repo), "r.git")
    assert contents(read(bare / "r.git", first)) == contents(read(repo, first))
    assert contents(read(bare / "r.git", "main"))["manifests/a.yaml"] == b"a: 2\n"


def test_the_difference_to_an_earlier_revision_gives_the_same_files(repo):
    before = read(repo)
    commit(
        repo,
        {
            "manifests/a.yaml": None,
            "manifests/new.yaml": "n: 1\n",
            "manifests/sub/b.yml": "b: 2\n",
            "other/c.yaml": "c: 2\n",
        },
    )
    assert read(repo, earlier=before).files == read(repo).files


def test_the_working_tree_has_what_is_not_committed_and_not_ignored(repo):
    (repo / "manifests/new.yaml").write_text("n: 1\n")
    (repo / "manifests/secret.yaml").write_text("s: 1\n")
    (repo / ".gitignore").write_text("secret.yaml\n")
    (repo / "manifests/a.yaml").unlink()
    found = read(repo, worktree=True)
    assert contents(found) == {"manifests/sub/b.yml": b"b: 1\n", "manifests/new.yaml": b"n: 1\n"}
    assert found.files["manifests/sub/b.yml"] == read(repo).files["manifests/sub/b.yml"]


def refusals(revision) -> list[str]:
    return [str(fault) for fault in revision.refused]


def test_links_and_submodules_and_large_files_are_refused(repo):
    (repo / "manifests/link.yaml").symlink_to("a.yaml")
    link = "manifests/link.yaml:1:1: is a symbolic link; put the file itself there"
    assert refusals(read(repo, worktree=True)) == [link]
    commit(repo, {})
    assert refusals(read(repo)) == [link]
    (repo / "manifests/link.yaml").unlink()
    commit(repo, {"manifests/big.yaml": "x" * (1 << 20) + "x"})
    found = read(repo)
    with pytest.raises(SourceError, match="over 1048576 bytes") as caught:
        contents(found)
    assert caught.value.too_large == (found.files["manifests/big.yaml"],)
    assert refusals(read(repo, worktree=True)) == ["manifests/big.yaml:1:1: over 1048576 bytes; split it"]
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{git(repo, 'rev-parse', 'HEAD')},manifests/sub2")
    git(repo, "commit", "-qm", "submodule")
    assert refusals(read(repo)) == ["manifests/sub2:1:1: is a submodule; copy its files here"]


@pytest.mark.parametrize(
    ("revision", "said"),
    [("mian", "did you mean main"), ("--all", "not a commit"), ("0" * 40, "no such commit"), ("HEAD~99", "no such")],
)
def test_what_is_no_commit_is_said_so(repo, revision, said):
    with pytest.raises(SourceError, match=said):
        read(repo, revision)


def test_a_path_that_is_not_there_is_an_error_and_not_an_empty_federation(repo):
    with pytest.raises(SourceError, match="manifest: no such path"):
        read(repo, paths=("manifest",))


def test_no_repository_and_no_commit_are_said_so(tmp_path):
    with pytest.raises(SourceError, match="not a git repository"):
        read(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(SourceError, match="no commit yet"):
        read(tmp_path)
