"""Rules and replicas through the whole of Hanse: the examples of the kinds, on real directories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import reconciler.kinds
from tests.house import applied, commit, planned, said

KINDS = Path(reconciler.kinds.__file__).parent
EXAMPLES = {
    f"{kind}.yaml": (KINDS / kind / "example.yaml").read_text() for kind in ("vo", "site", "replica", "datasetrule")
}
BETTER = """apiVersion: hanse/v1
kind: Site
metadata: {name: BAY-CLOUD}
spec:
  country: DE
  storage: [{name: disk, driver: directory, qos: cache, attributes: {tier: 1, weight: 99}}]
"""
DERIVED = "Replica/tides/sediment-near.TIDE-CLOUD.buffer"


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
    assert files(root, "scratch") == {
        "sediment/README.txt",
        "sediment/2026/stations.csv",
        "sediment/2026/june/profile.csv",
    }
    assert files(root, "buffer") == {
        "sediment/june-profile.csv",
        "sediment/2026/stations.csv",
        "sediment/2026/june/profile.csv",
    }


def test_a_file_that_was_damaged_is_drift_and_is_repaired(root):
    damaged = store(root, "buffer") / "sediment/2026/stations.csv"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"garbage")
    assert said(planned(root)) == [f"update {DERIVED} DriftDetected"]
    applied(root)
    assert damaged.read_bytes() == whole
    assert said(planned(root)) == []


def test_a_copy_that_vanished_is_brought_back(root):
    shutil.rmtree(store(root, "buffer") / "sediment/2026")
    assert said(planned(root)) == [f"create {DERIVED} Vanished"]
    applied(root)
    assert said(planned(root)) == []


def test_a_storage_that_is_not_mounted_makes_its_replicas_unknown_and_changes_nothing(root):
    store(root, "buffer").rename(root / "elsewhere")
    plan = planned(root)
    assert said(plan) == []
    assert "is it mounted" in plan.unreachable["storage:TIDE-CLOUD/buffer"]


def test_a_rule_taken_away_takes_its_copies_along_and_leaves_the_others(root):
    commit(root, {"datasetrule.yaml": None})
    assert said(planned(root)) == [
        "delete DatasetRule/tides/sediment-near RemovedFromGit",
        f"delete {DERIVED} RemovedFromGit",
    ]
    applied(root, until_quiet=True)
    assert files(root, "buffer") == {"sediment/june-profile.csv"}


def test_a_copy_stays_where_it_is_when_a_better_place_appears(root):
    better = EXAMPLES["site.yaml"] + "\n---\n" + BETTER
    commit(root, {"site.yaml": better})
    assert [line for line in said(planned(root)) if "Replica" in line] == []


def test_a_rule_without_a_place_says_which_storages_there_are_and_why_none_fits(root):
    text = EXAMPLES["datasetrule.yaml"]
    commit(root, {"datasetrule.yaml": text.replace("copies: 1", "copies: 3")})
    (line,) = [a for a in planned(root).actions if a.ref == "DatasetRule/tides/sediment-near"]
    assert (line.verb, line.reason, line.message) == ("defer", "NoPlace", "3 wanted, 1 of 3 candidates fit")
