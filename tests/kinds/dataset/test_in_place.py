"""Data that lies at storages already, by Rucio's naming: it counts there, and what else is wanted is copied from it."""

from __future__ import annotations

import zlib

import pytest

from reconciler.kinds.replica.naming import Layout
from reconciler.model.data import ReplicaState
from tests.house import applied, commit, opened, planned, said

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: LAB}
spec:
  storage:
    - {name: old, driver: directory, attributes: {tier: 1}}
    - {name: new, driver: directory, attributes: {tier: 1}}
    - {name: spare, driver: directory}
"""
CONTENTS = {"one.dat": "11", "two.dat": "222"}
LAYOUT = Layout.rucio("lab:run")
PLACE = "{site: LAB, storage: old, naming: rucio}"
COPY, OLD = "Replica/vo/run.LAB.new", "Replica/vo/run.LAB.old"


def dataset(name="run", places=PLACE, contents=CONTENTS):
    sums = {path: f"adler32:{zlib.adler32(text.encode()):08x}" for path, text in contents.items()}
    files = [f'{{path: {path}, size: {len(text)}, checksum: "{sums[path]}"}}' for path, text in contents.items()]
    copies = f", copies: [{places}]" if places else ""
    meta = f"apiVersion: hanse/v1\nkind: Dataset\nmetadata: {{name: {name}, namespace: vo}}\n"
    return f"{meta}spec: {{scope: lab, name: {name}, files: [{', '.join(files)}]{copies}}}\n"


def rule(copies=2, locations="tier=1", **more):
    said = "".join(f", {name}: {value}" for name, value in more.items())
    spec = f"{{scope: lab, name: run, copies: {copies}, locations: {locations}{said}}}"
    return f"apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {{name: keep, namespace: vo}}\nspec: {spec}\n"


def storage(root, name):
    return root / ".hanse/state/storage/LAB" / name


def lay(root, contents=CONTENTS, at=LAYOUT.at):
    for path, text in contents.items():
        file = storage(root, "old") / at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def files(root, name):
    own, folder = ".hanse", storage(root, name)
    found = (p for p in folder.rglob("*") if p.is_file() and own not in p.relative_to(folder).parts)
    return {str(p.relative_to(folder)): p.read_text() for p in found}


@pytest.fixture
def declared(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "data.yaml": dataset(), "rule.yaml": rule()})
    return tmp_path


@pytest.fixture
def root(declared):
    lay(declared)
    applied(declared, until_quiet=True)
    return declared


def hashed(contents=CONTENTS):
    return {LAYOUT.at(path): text for path, text in contents.items()}


def states(root):
    with opened(root) as house:
        return {str(one.ref): one.state for one in house.store.data.replicas()}


def test_what_is_there_already_is_kept_and_one_copy_is_made_from_it(declared):
    lay(declared)
    plan = planned(declared)
    assert f"adopt {OLD} Found" in said(plan)
    assert f"create {COPY} New" in said(plan)
    assert [(f.source, f.target, f.files) for f in plan.data.flows] == [("LAB/old", "LAB/new", 2)]
    assert [(r.copies, r.kept, r.made) for r in plan.data.rules] == [(2, 1, 1)]
    applied(declared, until_quiet=True)
    assert files(declared, "new") == {f"lab/run/{path}": text for path, text in CONTENTS.items()}
    assert files(declared, "old") == hashed()
    assert said(planned(declared)) == []


@pytest.mark.parametrize("more", [{}, {"grouping": "NONE"}, {"grouping": "ALL"}])
def test_a_rule_that_asks_for_no_more_than_there_is_copies_nothing(declared, more):
    commit(declared, {"rule.yaml": rule(1, **more)})
    lay(declared)
    plan = planned(declared)
    assert plan.data.flows == ()
    assert [a.verb for a in plan.actions if a.ref.kind == "Replica"] == ["adopt"]
    applied(declared, until_quiet=True)
    assert (files(declared, "new"), files(declared, "old")) == ({}, hashed())
    assert said(planned(declared)) == []


def test_data_in_a_folder_of_another_name_counts_as_well(declared):
    place = "{site: LAB, storage: old, path: raw/2026}"
    commit(declared, {"rule.yaml": rule(1), "data.yaml": dataset(places=place)})
    lay(declared, at=lambda path: f"raw/2026/{path}")
    assert planned(declared).data.flows == ()
    applied(declared, until_quiet=True)
    assert said(planned(declared)) == []


def test_a_file_that_is_missing_and_one_that_changed_are_told_and_do_not_count(root):
    (storage(root, "old") / LAYOUT.at("one.dat")).unlink()
    (storage(root, "old") / LAYOUT.at("two.dat")).write_text("other")
    plan = planned(root)
    assert said(plan) == [f"update {OLD} DriftDetected"]
    assert "1 of 2 files missing" in plan.actions[0].message
    assert "1 of 2 files with other content" in plan.actions[0].message
    assert [(r.kept, r.made) for r in plan.data.rules] == [(1, 0)]
    applied(root)
    assert files(root, "old") == {LAYOUT.at("two.dat"): "other"}
    assert states(root)[OLD] is not ReplicaState.AVAILABLE
    assert states(root)[COPY] is ReplicaState.AVAILABLE
    lay(root)
    applied(root, until_quiet=True)
    assert states(root)[OLD] is ReplicaState.AVAILABLE
    assert said(planned(root)) == []


def test_what_a_manifest_says_and_is_not_so_is_told_by_the_first_plan(declared):
    lay(declared, {"one.dat": "11"})
    (old,) = (a for a in planned(declared).actions if a.ref == OLD)
    assert (old.verb, old.message.partition(",")[0]) == ("update", "1 of 2 files missing")
    assert "nothing is mended there" in old.message
    applied(declared)
    assert files(declared, "old") == {LAYOUT.at("one.dat"): "11"}


def test_a_place_that_no_rule_holds_is_told_and_not_counted(declared):
    commit(declared, {"rule.yaml": None})
    lay(declared)
    applied(declared, until_quiet=True)
    assert states(declared) == {OLD: ReplicaState.AVAILABLE}
    (storage(declared, "old") / LAYOUT.at("one.dat")).unlink()
    plan = planned(declared)
    assert not plan.pending
    applied(declared)
    assert states(declared) == {OLD: ReplicaState.UNAVAILABLE}


def test_a_storage_that_cannot_be_read_changes_nothing(root):
    (root / "hanse.toml").write_text('[targets."storage:LAB/old"]\ndriver = "nosuch"\n')
    assert [line for line in said(planned(root)) if not line.startswith("defer")] == []
    commit(root, {"rule.yaml": None})
    kept = {a.ref: (a.verb, a.message) for a in planned(root).actions}
    assert kept[COPY] == ("defer", f"stays until {OLD} is whole")  # what is not seen does not count


def test_when_nothing_wants_it_any_more_it_is_left_as_it_is(root):
    commit(root, {"rule.yaml": None})
    applied(root, until_quiet=True)
    assert (files(root, "new"), files(root, "old")) == ({}, hashed())
    commit(root, {"data.yaml": None})
    plan = planned(root)
    assert plan.data.gone_files == 0
    assert "its files stay where they are" in next(a.message for a in plan.actions if str(a.ref) == OLD)
    applied(root, until_quiet=True)
    assert files(root, "old") == hashed()


def test_a_place_that_is_taken_out_is_filled_with_a_copy_of_our_own(root):
    commit(root, {"data.yaml": dataset(places="")})
    applied(root, until_quiet=True)
    both = {**hashed(), **{f"lab/run/{path}": text for path, text in CONTENTS.items()}}
    assert files(root, "old") == both
    assert said(planned(root)) == []
    commit(root, {"data.yaml": dataset()})
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    assert files(root, "old") == both  # to say that it lies there takes nothing away
    commit(root, {"data.yaml": dataset(places="")})
    applied(root, until_quiet=True)
    assert (said(planned(root)), files(root, "old")) == ([], both)


def test_a_second_dataset_of_the_same_scope_may_lie_beside_it(root):
    other = {"three.dat": "3"}
    commit(root, {"more.yaml": dataset("more", contents=other)})
    lay(root, other)
    plan = planned(root)
    assert [line for line in said(plan) if "Replica" in line] == ["adopt Replica/vo/more.LAB.old Found"]
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
