"""A dataset whose files lie in a folder: what comes, what goes, what changes, and what nobody can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.house import applied, commit, planned, said

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: LAB}
spec:
  storage:
    - {name: drop, driver: directory, attributes: {role: source}}
    - {name: a, driver: directory}
    - {name: b, driver: directory}
"""
DATASET = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: run, namespace: vo}
spec:
  scope: lab
  name: run
  listing: {site: LAB, storage: drop, path: incoming/run}
"""
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: keep, namespace: vo}
spec: {scope: lab, name: run, copies: 1, locations: a}
"""
COPY = "Replica/vo/run.LAB.a"


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "data.yaml": DATASET, "rule.yaml": RULE})
    drop(tmp_path, "one.dat", "11")
    drop(tmp_path, "sub/two.dat", "222")
    applied(tmp_path, until_quiet=True)
    return tmp_path


def source(root):
    return root / ".hanse/state/storage/LAB/drop/incoming/run"


def copy(root):
    return root / ".hanse/state/storage/LAB/a/lab/run"


def drop(root, name, text):
    path = source(root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def warned(root):
    return [warning.partition(": ")[2] for warning in planned(root).warnings]


def test_what_lies_in_the_folder_is_copied_and_the_folder_counts_as_a_copy(root):
    assert said(planned(root)) == []
    assert files(copy(root)) == {"one.dat": "11", "sub/two.dat": "222"}
    assert warned(root) == []


def test_what_comes_belongs_to_it(root):
    drop(root, "three.dat", "3")
    assert said(planned(root)) == [
        "update Dataset/vo/run SpecChanged",
        f"update {COPY} SpecChanged",
        "update DatasetRule/vo/keep SpecChanged",
    ]
    applied(root, until_quiet=True)
    assert "three.dat" in files(copy(root))
    assert said(planned(root)) == []


def test_what_is_gone_at_its_source_stays_with_its_copies_until_it_is_named(root):
    (source(root) / "one.dat").unlink()
    (warning,) = [w for w in planned(root).warnings if "spec.listing" in w]
    assert "Dataset/vo/run: one.dat was not found at its source any more" in warning
    applied(root, until_quiet=True)
    assert "one.dat" in files(copy(root))
    commit(root, {"data.yaml": DATASET + "  lost: [one.dat]\n"})
    applied(root, until_quiet=True)
    assert files(copy(root)) == {"sub/two.dat": "222"}
    assert not any("one.dat" in w for w in planned(root).warnings)


def test_another_content_at_its_source_is_told_and_the_copies_stay_as_they_are(root):
    drop(root, "one.dat", "xx")
    assert any("one.dat was found with another content at its source" in w for w in planned(root).warnings)
    applied(root, until_quiet=True)
    assert files(copy(root))["one.dat"] == "11"


def test_what_comes_to_a_closed_dataset_is_told_and_does_not_belong_to_it(root):
    commit(root, {"data.yaml": DATASET + "  open: false\n"})
    applied(root, until_quiet=True)
    drop(root, "three.dat", "3")
    plan = planned(root)
    assert said(plan) == []
    assert any("three.dat was found at its source, and it is closed" in w for w in plan.warnings)


def test_a_folder_that_cannot_be_read_leaves_all_as_it_was(root):
    (root / "hanse.toml").write_text('[targets."storage:LAB/drop"]\ndriver = "nosuch"\n')
    plan = planned(root)
    assert [line for line in said(plan) if not line.startswith("defer")] == []
    assert any("cannot be read, its files stay as they were known" in w for w in plan.warnings)


def test_a_folder_that_could_never_be_read_decides_nothing(tmp_path):
    commit(tmp_path, {"site.yaml": SITE.replace("driver: directory, attributes", "driver: nosuch, attributes")})
    commit(tmp_path, {"data.yaml": DATASET, "rule.yaml": RULE})
    plan = planned(tmp_path)
    found = {a.ref: (a.verb, a.reason, a.message) for a in plan.actions}
    assert found["Dataset/vo/run"][:2] == ("defer", "NoPlace")
    assert "LAB/drop cannot be read: no storage driver called nosuch" in found["Dataset/vo/run"][2]
    assert found["DatasetRule/vo/keep"][:2] == ("defer", "NoPlace")
    assert not any(ref.startswith("Replica/") for ref in found)


def test_a_rule_taken_away_leaves_the_folder_as_it_is(root):
    commit(root, {"rule.yaml": None})
    applied(root, until_quiet=True)
    assert files(source(root)) == {"one.dat": "11", "sub/two.dat": "222"}
    commit(root, {"data.yaml": None})
    applied(root, until_quiet=True)
    assert files(source(root)) == {"one.dat": "11", "sub/two.dat": "222"}


def test_a_file_that_is_still_written_to_belongs_to_it_once_it_is_quiet(root):
    commit(root, {"data.yaml": DATASET + "  quietSeconds: 3600\n"})
    applied(root, until_quiet=True)
    assert set(files(copy(root))) == {"one.dat", "sub/two.dat"}
    drop(root, "three.dat", "3")
    assert not any("Replica" in line for line in said(planned(root)))
    soon = datetime.now(UTC) + timedelta(hours=2)
    assert f"update {COPY} SpecChanged" in said(planned(root, clock=lambda: soon))


def test_a_folder_that_moves_lets_go_of_nothing(root):
    (source(root).parent / "elsewhere").mkdir()
    commit(root, {"data.yaml": DATASET.replace("incoming/run", "incoming/elsewhere")})
    plan = planned(root)
    assert not any(a.ref == COPY for a in plan.actions)
    assert any("2 files, first one.dat, were not found at its source" in w for w in plan.warnings)


def scattered(name, copies, locations, owner):
    spec = f"{{scope: lab, name: run, copies: {copies}, locations: {locations}, grouping: NONE, owner: {owner}}}"
    return f"apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {{name: {name}, namespace: vo}}\nspec: {spec}\n"


def test_rules_that_each_hold_a_part_share_what_they_both_hold(root):
    for n in range(30):
        drop(root, f"f{n}.dat", str(n))
    one, two = scattered("one", 1, "a | b", "ada"), scattered("two", 1, "a | b", "ben")
    commit(root, {"rule.yaml": None, "one.yaml": one, "two.yaml": two})
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    held = [p for n in "ab" for p in (root / f".hanse/state/storage/LAB/{n}/lab").rglob("*.dat")]
    assert 32 <= len(held) <= 64
    assert len({p.name for p in held}) == 32
    commit(root, {"two.yaml": None})
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    left = [p for n in "ab" for p in (root / f".hanse/state/storage/LAB/{n}/lab").rglob("*.dat")]
    assert len(left) == 32
