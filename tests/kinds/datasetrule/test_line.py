"""Rules and replicas through the whole of Hanse: the examples of the kinds, on real directories."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import reconciler.kinds
from reconciler.errors import ManifestError
from tests.house import applied, commit, planned, said

KINDS = Path(reconciler.kinds.__file__).parent
EXAMPLES = {f"{kind}.yaml": (KINDS / kind / "example.yaml").read_text() for kind in ("vo", "site", "dataset")}
EXAMPLES["datasetrule.yaml"] = (KINDS / "datasetrule/example.yaml").read_text().partition("\n---\n")[0] + "\n"
BETTER = """apiVersion: hanse/v1
kind: Site
metadata: {name: BAY-CLOUD}
spec:
  country: DE
  storage: [{name: disk, driver: directory, qos: cache, attributes: {tier: 1, weight: 99}}]
"""
OTHER = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: also, namespace: tides}
spec: {scope: sediment, name: cores-2026, copies: 1, locations: buffer, owner: ben}
"""
DERIVED = "Replica/tides/cores.TIDE-CLOUD.buffer"
RULE = "DatasetRule/tides/sediment-near"


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, EXAMPLES)
    applied(tmp_path, until_quiet=True)
    return tmp_path


def store(root, name):
    return root / ".hanse/state/storage/TIDE-CLOUD" / name


def files(root, name):
    here = store(root, name)
    return {
        str(p.relative_to(here)) for p in here.rglob("*") if p.is_file() and ".hanse" not in p.parts[len(here.parts) :]
    }


def test_the_examples_are_applied_and_then_nothing_is_left_to_do(root):
    assert said(planned(root)) == []
    assert files(root, "buffer") == {
        "sediment/cores-2026/stations.csv",
        "sediment/cores-2026/june/profile.csv",
    }


def test_a_file_that_was_damaged_is_drift_and_is_repaired(root):
    damaged = store(root, "buffer") / "sediment/cores-2026/stations.csv"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"garbage")
    assert said(planned(root)) == [f"update {DERIVED} DriftDetected"]
    applied(root)
    assert damaged.read_bytes() == whole
    assert said(planned(root)) == []


def test_a_copy_that_vanished_is_brought_back(root):
    (store(root, "buffer") / "sediment/cores-2026/stations.csv").unlink()
    assert [line.partition(" ")[2] for line in said(planned(root))] == [f"{DERIVED} DriftDetected"]
    applied(root)
    assert said(planned(root)) == []


def test_a_storage_that_is_not_mounted_makes_its_replicas_unknown_and_changes_nothing(root):
    store(root, "buffer").rename(root / "elsewhere")
    plan = planned(root)
    assert said(plan) == []
    assert "is it mounted" in plan.unreachable["storage:TIDE-CLOUD/buffer"]


def test_a_rule_taken_away_takes_its_copy_along_unless_it_is_the_last(root):
    commit(root, {"datasetrule.yaml": None})
    assert said(planned(root)) == [f"delete {RULE} RemovedFromGit", f"delete {DERIVED} LastCopy"]
    commit(root, {"datasetrule.yaml": EXAMPLES["datasetrule.yaml"], "other.yaml": OTHER.replace("buffer", "scratch")})
    applied(root, until_quiet=True)
    commit(root, {"datasetrule.yaml": None})
    assert said(planned(root)) == [f"delete {RULE} RemovedFromGit", f"delete {DERIVED} RemovedFromGit"]
    applied(root, until_quiet=True)
    assert files(root, "buffer") == set()


def test_two_rules_share_a_copy_and_the_last_of_them_lets_go_of_it(root):
    commit(root, {"other.yaml": OTHER})
    plan = planned(root)
    assert [line for line in said(plan) if line.startswith("create Replica")] == []
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    commit(root, {"datasetrule.yaml": None})
    assert not any(line.startswith("delete Replica") for line in said(planned(root)))
    applied(root, until_quiet=True)
    assert len(files(root, "buffer")) == 2


def test_a_rule_that_moves_makes_its_new_copy_before_it_lets_go_of_the_old_one(root):
    text = EXAMPLES["datasetrule.yaml"].replace("\\ scratch", "\\ buffer")
    commit(root, {"datasetrule.yaml": text})
    plan = planned(root)
    made = "Replica/tides/cores.TIDE-CLOUD.scratch"
    assert said(plan) == [
        f"defer {DERIVED} DependencyNotReady",
        f"create {made} New",
        f"update {RULE} SpecChanged",
    ]
    assert plan.actions[0].message == f"stays until {made} is whole"
    assert plan.actions[2].waits_for == (made,)
    applied(root)
    assert (len(files(root, "scratch")), len(files(root, "buffer"))) == (2, 2)
    assert said(planned(root)) == [f"delete {DERIVED} RemovedFromGit"]
    applied(root, until_quiet=True)
    assert (len(files(root, "scratch")), files(root, "buffer")) == (2, set())


def test_a_copy_stays_where_it_is_when_a_better_place_appears(root):
    better = EXAMPLES["site.yaml"] + "\n---\n" + BETTER
    commit(root, {"site.yaml": better})
    assert [line for line in said(planned(root)) if "Replica" in line] == []


def test_a_rule_without_a_place_says_why_and_holds_what_it_held(root):
    commit(root, {"datasetrule.yaml": EXAMPLES["datasetrule.yaml"].replace("copies: 1", "copies: 3")})
    (action,) = planned(root).actions
    assert (action.verb, action.ref, action.reason) == ("defer", RULE, "NoPlace")
    assert action.message == "3 wanted, 1 of 3 candidates fit"
    applied(root)
    assert len(files(root, "buffer")) == 2


def test_a_dataset_that_grows_brings_what_is_new_to_every_copy(root):
    more = "    - {path: more.csv, size: 1, checksum: 'adler32:00320032', source: 'data:,1'}\n  vo: vo.tides"
    commit(root, {"dataset.yaml": EXAMPLES["dataset.yaml"].replace("  vo: vo.tides", more, 1)})
    assert said(planned(root)) == [
        "update Dataset/tides/cores SpecChanged",
        f"update {DERIVED} SpecChanged",
        f"update {RULE} SpecChanged",
    ]
    applied(root, until_quiet=True)
    assert "sediment/cores-2026/more.csv" in files(root, "buffer")
    assert said(planned(root)) == []


def test_a_dataset_that_is_renamed_keeps_its_copies(root):
    text = EXAMPLES["dataset.yaml"].replace("  name: cores\n", "  name: drills\n", 1)
    text = text.replace("spec:\n", "lifecycle: {moved: cores}\nspec:\n", 1)
    commit(root, {"dataset.yaml": text})
    new = DERIVED.replace("cores", "drills")
    assert said(planned(root)) == [
        "update Dataset/tides/drills DriftDetected",  # registered under its former name
        f"move {new} Renamed",
        f"update {RULE} SpecChanged",
    ]
    applied(root, until_quiet=True)
    assert len(files(root, "buffer")) == 2
    assert said(planned(root)) == []


def test_a_rule_whose_time_is_over_lets_go_of_its_copy_and_the_plan_says_that_time_is_why(root):
    later = OTHER.replace("buffer", "scratch").replace("ben}", "ben, lifetime: {expires: 2027-01-01T00:00:00Z}}")
    commit(root, {"other.yaml": later})
    applied(root, until_quiet=True)
    plan = planned(root, clock=lambda: datetime(2027, 1, 2, tzinfo=UTC))
    assert said(plan) == [
        "delete DatasetRule/tides/also Expired",
        "delete Replica/tides/cores.TIDE-CLOUD.scratch Expired",
    ]


def test_files_placed_one_by_one_stay_when_the_rule_keeps_datasets_together(root):
    text = EXAMPLES["datasetrule.yaml"].replace("grouping: DATASET", "grouping: NONE").replace(" \\ scratch", "")
    commit(root, {"datasetrule.yaml": text})
    applied(root, until_quiet=True)
    assert len(files(root, "buffer")) + len(files(root, "scratch")) == 2
    assert said(planned(root)) == []
    commit(root, {"datasetrule.yaml": text.replace("NONE", "DATASET")})
    applied(root, until_quiet=True)
    assert sorted([len(files(root, "buffer")), len(files(root, "scratch"))]) == [0, 2]


LAB = """apiVersion: hanse/v1
kind: VO
metadata: {name: vo.lab}
spec: {}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: LAB}
spec:
  storage:
    - {name: fast-a, driver: directory, qos: FAST}
    - {name: fast-b, driver: directory, qos: FAST}
    - {name: safe, driver: directory, qos: SAFE, quotas: [{vo: vo.lab, maxBytes: 3}]}
    - {name: tape, driver: directory, type: tape, qos: SAFE}
"""
DATASET = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: DATA, namespace: lab}
spec: {scope: lab, name: DATA, vo: vo.lab, files: [{path: a, size: 2, checksum: "adler32:012600c4", source: "data:,ab"}]}
"""
STAGED = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: staged, namespace: lab}
spec:
  scope: lab
  name: run
  from: 2026-11-01T00:00:00Z
  stages:
    - {for: 30d, copies: [{copies: 2, qos: FAST}]}
    - {copies: [{copies: 1, qos: SAFE, locations: type=disk}, {copies: 1, locations: type=tape}]}
"""


def on(day, month=11):
    return lambda: datetime(2026, month, day, tzinfo=UTC)


def stored(root, name):
    return {p.name for p in (root / ".hanse/state/storage/LAB" / name / "lab").rglob("*") if p.is_file()}


def test_a_stage_that_begins_is_a_planned_change_new_copies_first(tmp_path):
    data = DATASET.replace("DATA", "run")
    commit(tmp_path, {"lab.yaml": LAB, "data.yaml": data, "rule.yaml": STAGED})
    applied(tmp_path, until_quiet=True, clock=on(2))
    assert (stored(tmp_path, "fast-a"), stored(tmp_path, "fast-b")) == ({"a"}, {"a"})
    assert said(planned(tmp_path, clock=on(20))) == []
    assert not planned(tmp_path, clock=on(20)).warnings
    assert "its next stage begins 2026-12-01 00:00 UTC" in planned(tmp_path, clock=on(26)).warnings[0]
    assert said(planned(tmp_path, clock=on(1, 12))) == [
        "defer Replica/lab/run.LAB.fast-a DependencyNotReady",
        "defer Replica/lab/run.LAB.fast-b DependencyNotReady",
        "create Replica/lab/run.LAB.safe New",
        "create Replica/lab/run.LAB.tape New",
        "update DatasetRule/lab/staged SpecChanged",
    ]
    applied(tmp_path, until_quiet=True, clock=on(1, 12))
    assert (stored(tmp_path, "fast-a"), stored(tmp_path, "safe"), stored(tmp_path, "tape")) == (set(), {"a"}, {"a"})
    assert said(planned(tmp_path, clock=on(2, 12))) == []


def test_rules_of_one_plan_do_not_pass_a_quota_together(tmp_path):
    rule = "apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {name: NAME, namespace: lab}\n"
    files = {"lab.yaml": LAB}
    for name in ("one", "two"):
        spec = f"spec: {{scope: lab, name: {name}, copies: 1, locations: safe}}\n"
        data = DATASET.replace("DATA", name)
        files[f"{name}.yaml"] = data + "---\n" + rule.replace("NAME", name) + spec
    commit(tmp_path, files)
    plan = planned(tmp_path)
    (refused,) = [a for a in plan.actions if a.reason == "NoPlace"]
    assert refused.ref == "DatasetRule/lab/two"
    (choice,) = [c for c in plan.choices if c.ref == refused.ref]
    why = dict(choice.rejected)["LAB/safe"]
    assert why == "the quota of vo.lab is 3 B, 2 B of it taken; 2 B are needed"
    applied(tmp_path, until_quiet=True)
    assert len(stored(tmp_path, "safe")) == 1


def test_an_attribute_that_changes_moves_what_does_not_fit_any_more_at_once(tmp_path):
    data = DATASET.replace("DATA", "run")
    rule = "apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {name: one, namespace: lab}\n"
    spec = "spec: {scope: lab, name: run, copies: 1, locations: qos=FAST & fast-a | tape}\n"
    commit(tmp_path, {"lab.yaml": LAB, "data.yaml": data, "rule.yaml": rule + spec.replace(" | tape", "")})
    applied(tmp_path, until_quiet=True)
    commit(tmp_path, {"rule.yaml": rule + spec})
    applied(tmp_path, until_quiet=True)
    assert stored(tmp_path, "fast-a") == {"a"}
    commit(tmp_path, {"lab.yaml": LAB.replace("qos: FAST", "qos: SLOW", 1)})
    plan = planned(tmp_path)
    assert [line for line in said(plan) if "Site" not in line] == [
        "defer Replica/lab/run.LAB.fast-a DependencyNotReady",
        "create Replica/lab/run.LAB.tape New",
        "update DatasetRule/lab/one SpecChanged",
    ]
    (choice,) = [c for c in plan.choices if c.ref == "DatasetRule/lab/one"]
    assert (choice.chosen, choice.moved_from) == (("LAB/tape",), ("LAB/fast-a",))
    assert plan.data is not None
    applied(tmp_path, until_quiet=True)
    assert (stored(tmp_path, "fast-a"), stored(tmp_path, "tape")) == (set(), {"a"})


def test_two_datasets_whose_copies_would_be_called_the_same_are_refused(tmp_path):
    rule = "apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {name: NAME, namespace: lab}\n"
    files = {"lab.yaml": LAB + LAB.partition("---\n")[2].join(["---\n", ""]).replace("name: LAB", "name: LAB.LAB")}
    for name, dataset, site in (("a", "d.LAB", "LAB/tape"), ("b", "d", "LAB.LAB/tape")):
        spec = f"spec: {{scope: lab, name: {dataset}, copies: 1, locations: {site}}}\n"
        files[f"{name}.yaml"] = DATASET.replace("DATA", dataset) + "---\n" + rule.replace("NAME", name) + spec
    commit(tmp_path, files)
    with pytest.raises(ManifestError, match=r"would make Replica/lab/d.LAB.LAB.tape, which Dataset/lab/d.* makes too"):
        planned(tmp_path)
