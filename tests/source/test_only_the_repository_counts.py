"""What is read depends on the repository alone; a file is taken as it is, or refused by name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.source import read
from tests.source.repository import commit, contents, git, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def test_the_users_configuration_and_a_hooks_environment_change_nothing(repo, tmp_path, monkeypatch):
    other = repository(tmp_path / "other", {"manifests/x.yaml": "x: 1\n"})
    (repo / "manifests/new.yaml").write_text("n: 1\n")
    before = read(repo), read(repo, worktree=True)
    ignored = tmp_path / "ignored"
    ignored.write_text("*.yaml\n")
    (tmp_path / "gitconfig").write_text(f"[core]\nexcludesFile={ignored}\nquotePath=true\n[log]\nshowSignature=true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name, value in (
        ("GIT_DIR", other / ".git"),
        ("GIT_WORK_TREE", other),
        ("GIT_INDEX_FILE", other / ".git/index"),
        ("GIT_OBJECT_DIRECTORY", other / ".git/objects"),
        ("GIT_LITERAL_PATHSPECS", "0"),
    ):
        monkeypatch.setenv(name, str(value))
    for revision, again in zip(before, (read(repo), read(repo, worktree=True)), strict=True):
        assert (again.files, contents(again)) == (revision.files, contents(revision))


def test_a_commit_id_means_that_commit_even_where_another_replaces_it(repo):
    first = git(repo, "rev-parse", "HEAD")
    second = commit(repo, {"manifests/a.yaml": "a: 666\n"})
    git(repo, "replace", first, second)
    assert contents(read(repo, first))["manifests/a.yaml"] == b"a: 1\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_a_repository_that_the_operator_names_may_belong_to_somebody_else(repo):
    for path in (repo, *repo.rglob("*")):
        os.lchown(path, 12345, 12345)
    assert read(repo).files == read(repo, worktree=True).files


def test_a_program_that_the_repository_names_is_not_run(repo, tmp_path):
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    program.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(program))
    read(repo, worktree=True)
    assert not (tmp_path / "was-run").exists()


def test_paths_are_names_and_not_patterns(repo):
    commit(repo, {"manifests/*.yaml": "star: 1\n"})
    assert set(read(repo, paths=("manifests/*.yaml",)).files) == {"manifests/*.yaml"}
    with pytest.raises(SourceError, match="no such path"):
        read(repo, paths=("*",))


@pytest.mark.parametrize(
    "paths", [(".",), ("manifests/",), ("manifests", "manifests/sub"), ("manifests", "other/c.yaml")]
)
def test_folders_files_and_everything_can_be_named(repo, paths):
    found = read(repo, paths=paths)
    assert {"manifests/a.yaml", "manifests/sub/b.yml"} <= set(found.files)
    assert ("other/c.yaml" in found.files) == (paths[-1] in (".", "other/c.yaml"))
    assert read(repo, worktree=True, paths=paths).files == found.files


def test_folders_that_lost_their_last_file_are_missing_and_not_empty(repo):
    before = read(repo)
    commit(repo, {"manifests/a.yaml": None, "manifests/sub/b.yml": None, "manifests/readme.md": None})
    for earlier in (None, before):
        with pytest.raises(SourceError, match="manifests: no such path"):
            read(repo, earlier=earlier)


def test_a_branch_called_worktree_is_not_taken_for_the_working_tree(repo):
    before = read(repo, worktree=True)
    git(repo, "branch", "worktree")
    commit(repo, {"manifests/a.yaml": "a: 2\n"})
    assert read(repo, earlier=before).files == read(repo).files


def test_the_difference_to_a_commit_that_is_gone_is_a_whole_reading(repo, tmp_path):
    before = read(repository(tmp_path / "other", {"manifests/x.yaml": "x: 1\n"}))
    assert read(repo, earlier=before).files == read(repo).files


def test_a_file_that_became_a_link_is_refused_in_the_difference_too(repo):
    before = read(repo)
    (repo / "manifests/a.yaml").unlink()
    (repo / "manifests/a.yaml").symlink_to("sub/b.yml")
    commit(repo, {})
    found = read(repo, earlier=before)
    assert [str(fault) for fault in found.refused] == [
        "manifests/a.yaml:1:1: is a symbolic link; put the file itself there"
    ]
    assert set(found.files) == {"manifests/sub/b.yml"}


def test_every_fault_is_said_at_once(repo):
    (repo / "manifests/l1.yaml").symlink_to("a.yaml")
    (repo / "manifests/l2").symlink_to("a.yaml")
    commit(repo, {})
    with pytest.raises(SourceError) as caught:
        read(repo, paths=("manifests", "nowhere"))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "nowhere",
        "manifests/l1.yaml",
        "manifests/l2",
    ]


def test_a_name_that_is_not_utf8_is_refused(repo):
    (repo / os.fsdecode(b"manifests/\xff.yaml")).write_text("a: 1\n")
    commit(repo, {})
    for found in (read(repo), read(repo, worktree=True)):
        assert [str(fault) for fault in found.refused] == ["manifests/\\xff.yaml:1:1: the name is not UTF-8; rename it"]
        assert set(found.files) == {"manifests/a.yaml", "manifests/sub/b.yml"}


def test_a_lost_object_is_an_error_that_names_the_file(repo):
    found = read(repo)
    blob = found.files["manifests/a.yaml"]
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match=r"manifests/a.yaml: the repository cannot give it"):
        contents(found)


def test_a_reading_that_is_broken_off_leaves_no_process(repo):
    commit(repo, {f"manifests/{n}.yaml": f"n: {n}\n" for n in range(300)})
    found = read(repo)
    reading = found.blobs.read(found.files.values())
    next(reading)
    reading.close()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    ours = [Path(f"/proc/{child}/cmdline").read_text() for child in children.read_text().split()]
    assert not [said for said in ours if "--buffer" in said]


def test_tags_branches_short_ids_and_linked_worktrees_are_commits_too(repo, tmp_path):
    git(repo, "tag", "-a", "v1", "-m", "first")
    first = git(repo, "rev-parse", "HEAD")
    commit(repo, {"manifests/a.yaml": "a: 2\n"})
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "v1")
    for found in (read(repo, "v1"), read(repo, first[:8]), read(repo, "HEAD~1"), read(tmp_path / "linked")):
        assert found.commit == first
    assert contents(read(tmp_path / "linked", worktree=True))["manifests/a.yaml"] == b"a: 1\n"


def test_a_manifest_in_capitals_is_read_and_refused(repo):
    before = read(repo)
    git(repo, "mv", "manifests/a.yaml", "manifests/a.YAML")
    git(repo, "mv", "manifests/sub/b.yml", "manifests/sub/b.Yml")
    for worktree, earlier in ((True, None), (False, None), (False, before)):
        if not worktree:
            commit(repo, {"other/note": "x"}) if git(repo, "status", "--porcelain") else None
        found = read(repo, worktree=worktree, earlier=earlier)
        assert set(found.files) == {"manifests/a.YAML", "manifests/sub/b.Yml"}
        assert [str(fault) for fault in found.refused] == [
            "manifests/a.YAML:1:1: manifests are called .yaml or .yml, in small letters; rename it to a.yaml",
            "manifests/sub/b.Yml:1:1: manifests are called .yaml or .yml, in small letters; rename it to b.yml",
        ]


def test_what_looks_like_a_manifest_and_is_not_read_is_said(repo):
    before = read(repo)
    names = ["a.json", "b.yaml.txt", "c.yml~", "d.yaml.license", "notes.txt", ".vscode/settings.json"]
    commit(repo, {f"manifests/{name}": "{}" for name in names})
    listed = read(repo, earlier=before)
    for found in (listed, read(repo), read(repo, worktree=True), read(repo, earlier=listed)):
        assert [(fault.file, fault.severity) for fault in found.refused] == [
            ("manifests/a.json", "warning"),
            ("manifests/b.yaml.txt", "warning"),
            ("manifests/c.yml~", "warning"),
        ]
        assert found.refused[1].cure == "rename it to b.yaml, or put it elsewhere"
    commit(repo, {"manifests/a.json": None, "manifests/e.json": "{}"})
    assert read(repo, earlier=listed).refused == read(repo).refused


# the working tree


def test_changed_added_and_untouched_files_are_what_is_on_disk(repo):
    (repo / "manifests/a.yaml").write_text("a: 7\n")
    (repo / "manifests/staged.yaml").write_text("s: 1\n")
    git(repo, "add", "manifests/staged.yaml")
    (repo / "manifests/meant.yaml").write_text("m: 1\n")
    git(repo, "add", "-N", "manifests/meant.yaml")
    assert contents(read(repo, worktree=True)) == {
        "manifests/a.yaml": b"a: 7\n",
        "manifests/meant.yaml": b"m: 1\n",
        "manifests/staged.yaml": b"s: 1\n",
        "manifests/sub/b.yml": b"b: 1\n",
    }


@pytest.mark.parametrize("bit", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_is_looked_at(repo, bit):
    git(repo, "update-index", bit, "manifests/a.yaml")
    (repo / "manifests/a.yaml").write_text("a: 7\n")
    assert contents(read(repo, worktree=True))["manifests/a.yaml"] == b"a: 7\n"


def test_a_working_tree_commits_to_the_same_blobs(repo):
    (repo / "manifests/a.yaml").write_text("a: 7\n")
    before = read(repo, worktree=True)
    commit(repo, {})
    assert read(repo).files == before.files


def test_a_file_edited_in_the_second_of_its_commit_is_seen(repo):
    for n in range(20):
        commit(repo, {"manifests/a.yaml": f"a: {n % 10}\n"})
        (repo / "manifests/a.yaml").write_text(f"a: {(n + 1) % 10}\n")
        assert contents(read(repo, worktree=True))["manifests/a.yaml"] == f"a: {(n + 1) % 10}\n".encode()


def test_another_repository_inside_is_refused(repo):
    repository(repo / "manifests/inner")
    (fault,) = read(repo, worktree=True).refused
    assert (fault.file, fault.message, fault.severity) == ("manifests/inner/", "is a submodule", "error")


def test_a_merge_conflict_is_read_as_it_stands_on_disk(repo):
    git(repo, "checkout", "-q", "-b", "theirs")
    commit(repo, {"manifests/a.yaml": "a: theirs\n"})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"manifests/a.yaml": "a: ours\n"})
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "merge", "-q", "theirs"],
        cwd=repo,
        capture_output=True,
        check=False,
    )
    assert b"<<<<<<<" in contents(read(repo, worktree=True))["manifests/a.yaml"]


def test_a_bare_repository_has_no_working_tree(tmp_path, repo):
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    with pytest.raises(SourceError, match="no working tree"):
        read(tmp_path / "bare.git", worktree=True)
