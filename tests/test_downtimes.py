"""What commits have stated of downtimes: kept, and brought up by what came since."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler import downtimes as module
from reconciler import manifest, source
from reconciler.downtimes import declarations, stated
from reconciler.errors import SourceError
from reconciler.kinds import registry
from reconciler.kinds.downtime import intervals
from reconciler.model import Ref
from tests.source.repository import commit, git, repository

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: NORTH}
spec:
  services: [{name: nova, type: org.openstack.nova, hostname: a.north.org}]
"""
DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: {name}}}
spec:
  description: works
  severity: OUTAGE
  start: 2026-10-{day:02}T10:00:00Z
  end: 2026-10-{day:02}T12:00:00Z
  affects: [{{site: NORTH}}]
"""
A, B = Ref("Downtime/a"), Ref("Downtime/b")


def downtime(name: str, day: int = 10) -> str:
    return DOWNTIME.format(name=name, day=day)


@pytest.fixture
def where(tmp_path):
    return repository(tmp_path / "r", {"manifests/site.yaml": SITE, "manifests/down/a.yaml": downtime("a")})


def asked(where: Path, cache: Path | None = None, revision: str = "HEAD", *, worktree: bool = False):
    read = source.read(where, revision, worktree=worktree)
    return declarations(where, read, manifest.load(read, registry()).items, cache)


def days(told) -> dict[str, list[int | None]]:
    return {ref.name: [one.spec.start.day if one.spec else None for one in some] for ref, some in told.items()}


def test_what_came_since_is_added_and_nothing_else_is_read(where, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    assert days(asked(where, cache)) == {"a": [10]}
    commit(where, {"manifests/down/a.yaml": downtime("a", 11)})
    commit(where, {"manifests/down/b.yaml": downtime("b")})
    walked, parsed = [], []
    contents, of_content = module.contents, manifest.of_content
    monkeypatch.setattr(
        module,
        "contents",
        lambda r, tip, paths, since="": walked.append((sorted(paths), bool(since))) or contents(r, tip, paths, since),
    )
    monkeypatch.setattr(manifest, "of_content", lambda *words: parsed.append(words[0]) or of_content(*words))
    assert days(asked(where, cache)) == {"a": [10, 11], "b": [10]}
    assert walked == [(["manifests/down/a.yaml"], True), (["manifests/down/b.yaml"], False)]
    assert sorted(parsed) == ["manifests/down/a.yaml", "manifests/down/b.yaml"]
    walked.clear()
    assert days(asked(where, cache)) == {"a": [10, 11], "b": [10]}
    assert walked == []


def test_with_a_cache_and_without_the_same_is_told(where, tmp_path):
    cache = tmp_path / "cache"
    for day in (11, 12, 10):
        commit(where, {"manifests/down/a.yaml": downtime("a", day), f"manifests/down/x{day}.yaml": downtime(f"x{day}")})
        assert asked(where, cache) == asked(where)
    git(where, "reset", "-q", "--hard", "HEAD~2")
    commit(where, {"manifests/down/a.yaml": downtime("a", 15)})
    assert days(asked(where, cache))["a"] == days(asked(where))["a"] == [10, 11, 15]


def test_a_damaged_cache_is_made_anew(where, tmp_path):
    (tmp_path / "stated.json").write_text("{")
    assert days(asked(where, tmp_path)) == {"a": [10]}


def test_an_earlier_commit_knows_what_was_stated_up_to_it(where):
    first = git(where, "rev-parse", "HEAD")
    commit(where, {"manifests/down/a.yaml": downtime("a", 11)})
    assert days(asked(where, revision=first)) == {"a": [10]}


def test_a_file_and_a_downtime_that_are_renamed_keep_their_past(where):
    commit(where, {"manifests/down/a.yaml": downtime("a", 11)})
    git(where, "mv", "manifests/down/a.yaml", "manifests/renamed.yaml")
    git(where, "commit", "-qm", "moved")
    assert days(asked(where)) == {"a": [10, 11, 11]}
    commit(where, {"manifests/renamed.yaml": downtime("b", 11)})
    assert days(asked(where)) == {"b": [10, 11, 11, 11]}


def test_what_cannot_be_read_by_todays_rules_says_nothing(where):
    commit(where, {"manifests/down/a.yaml": downtime("a", 11) + "  oldField: 1\n"})
    commit(where, {"manifests/down/a.yaml": downtime("a", 12)})
    assert days(asked(where)) == {"a": [10, 12]}


def test_a_working_tree_without_a_commit_has_no_past(tmp_path):
    where = tmp_path / "new"
    (where / "manifests").mkdir(parents=True)
    git(where, "init", "-q")
    (where / "manifests/site.yaml").write_text(SITE)
    (where / "manifests/a.yaml").write_text(downtime("a"))
    assert asked(where, worktree=True) == {}


def test_suspended_sites_have_a_past_too(where):
    suspended = SITE.replace("spec:\n", "spec:\n  certification: Suspended\n")
    commit(where, {"manifests/site.yaml": suspended})
    read = source.read(where)
    told = stated(where, read, manifest.load(read, registry()).items)
    assert [one.spec.certification for one in told[Ref("Site/NORTH")]] == [None, "Suspended"]
    assert len(told[A]) == 1


def test_the_class_is_that_of_the_merge(where):
    git(where, "checkout", "-q", "-b", "side")
    commit(where, {"manifests/down/b.yaml": downtime("b", 20)})
    git(where, "checkout", "-q", "main")
    commit(where, {"manifests/down/a.yaml": downtime("a", 11)})
    git(where, "merge", "-q", "--no-ff", "-m", "merge", "side")
    read = source.read(where)
    items = manifest.load(read, registry()).items
    told = intervals(items, declarations(where, read, items), read.committed)
    assert {one.declared for one in told if one.ref == B} == {read.committed}


def test_a_class_that_rests_on_an_annotation_alone_is_told(where):
    note = "metadata: {name: b, annotations: {gocdb/declared: 2026-10-01T00:00:00Z}}"
    commit(where, {"manifests/down/b.yaml": downtime("b").replace("metadata: {name: b}", note)})
    read = source.read(where)
    items = manifest.load(read, registry()).items
    known = declarations(where, read, items)
    early = known[B][0].at
    told = registry()["Downtime"].hindsight(items, known, early)
    assert [(ref.name, rule) for ref, rule, _ in told if rule == "downtime-believed"] == [("b", "downtime-believed")]


def test_a_shallow_clone_is_refused(where, tmp_path):
    commit(where, {"manifests/down/a.yaml": downtime("a", 11)})
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{where}", str(tmp_path / "s")], check=True)
    with pytest.raises(SourceError, match="git fetch --unshallow"):
        asked(tmp_path / "s")
