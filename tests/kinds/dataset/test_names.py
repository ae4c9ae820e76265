"""Data keeps its name: copies of a dataset that is called otherwise now stand until git says what is meant."""

from __future__ import annotations

import pytest

from tests.house import applied, commit, planned, said

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: LAB}
spec:
  storage:
    - {name: a, driver: directory}
    - {name: b, driver: directory}
    - {name: c, driver: directory}
"""
DATA = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: OWN, namespace: vo}
spec: {scope: sea, name: NAME, files: [{path: f, size: 2, checksum: "adler32:012600c4", source: "data:,ab"}]}
"""
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: OWN, namespace: vo}
spec: {scope: sea, name: NAME, copies: 3, locations: "*"}
"""
REASON = (
    "its copies are of sea:waves, and it is called sea:swell now: data keeps its name; declare another Dataset "
    "(with another metadata.name) for sea:swell, or give the name back"
)


def of(text, name, own="waves"):
    return text.replace("NAME", name).replace("OWN", own)


def stored(root, folder="sea/waves"):
    found = [root / ".hanse/state/storage/LAB" / name / folder / "f" for name in "abc"]
    return [path.read_text() for path in found if path.exists()]


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "data.yaml": of(DATA, "waves"), "rule.yaml": of(RULE, "waves")})
    applied(tmp_path, until_quiet=True)
    assert stored(tmp_path) == ["ab"] * 3
    return tmp_path


@pytest.fixture
def renamed(root):
    commit(root, {"data.yaml": of(DATA, "swell"), "rule.yaml": of(RULE, "swell")})
    return root


def test_copies_of_data_that_is_called_otherwise_now_stay_and_the_plan_says_why(renamed):
    plan = planned(renamed)
    assert said(plan) == ["defer Dataset/vo/waves NoPlace", "defer DatasetRule/vo/waves NoPlace"]
    assert plan.actions[0].message == REASON
    applied(renamed, until_quiet=True)
    assert (stored(renamed), stored(renamed, "sea/swell")) == (["ab"] * 3, [])
    assert said(planned(renamed)) == said(plan)


def test_a_copy_that_vanishes_meanwhile_is_brought_back(renamed):
    (renamed / ".hanse/state/storage/LAB/b/sea/waves/f").unlink()
    assert "create Replica/vo/waves.LAB.b Vanished" in said(planned(renamed))
    applied(renamed)
    assert stored(renamed) == ["ab"] * 3


def test_with_its_name_given_back_all_is_as_it_was(renamed):
    applied(renamed)
    commit(renamed, {"data.yaml": of(DATA, "waves"), "rule.yaml": of(RULE, "waves")})
    assert said(planned(renamed)) == []


def test_another_dataset_beside_it_has_the_new_name(renamed):
    own = {"data.yaml": of(DATA, "waves"), "rule.yaml": of(RULE, "waves")}
    commit(renamed, {**own, "new.yaml": of(DATA, "swell", "swell") + "---\n" + of(RULE, "swell", "swell")})
    applied(renamed, until_quiet=True)
    assert (stored(renamed), stored(renamed, "sea/swell")) == (["ab"] * 3, ["ab"] * 3)
    assert said(planned(renamed)) == []


def test_a_dataset_that_moves_and_is_called_otherwise_keeps_its_copies_too(root):
    moved = of(DATA, "swell", "big").replace("spec:", "lifecycle: {moved: waves}\nspec:")
    commit(root, {"data.yaml": moved, "rule.yaml": of(RULE, "swell")})
    assert not any(line.split()[0] in ("delete", "replace", "create") for line in said(planned(root)))
    applied(root, until_quiet=True)
    assert stored(root) == ["ab"] * 3


def test_a_dataset_without_copies_may_be_called_otherwise(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "data.yaml": of(DATA, "waves")})
    applied(tmp_path)
    commit(tmp_path, {"data.yaml": of(DATA, "swell"), "rule.yaml": of(RULE, "swell")})
    applied(tmp_path, until_quiet=True)
    assert (stored(tmp_path), stored(tmp_path, "sea/swell")) == ([], ["ab"] * 3)


def test_a_dataset_that_becomes_a_container_keeps_its_copies(root):
    container = of(DATA, "waves").partition("files:")[0] + "datasets: ['sea:part']}\n"
    commit(root, {"data.yaml": container + "---\n" + of(DATA, "part", "part")})
    applied(root, until_quiet=True)
    assert stored(root) == ["ab"] * 3
    (deferred,) = [a for a in planned(root).actions if a.ref == "Dataset/vo/waves"]
    assert deferred.message.startswith("its copies are of sea:waves with files of its own, and it is a container now")


def test_a_dataset_with_another_name_in_git_is_told_to_say_that_it_moved(root):
    other = of(DATA, "waves", "big")
    commit(root, {"data.yaml": other})
    plan = planned(root)
    (found,) = [a for a in plan.actions if a.ref == "Replica/vo/big.LAB.a"]
    assert (found.blocked, found.message.partition(" (")[0]) == (
        "AdoptionConflict",
        "it carries the mark of another resource",
    )
    (warning,) = [w for w in plan.warnings if "Dataset/vo/big" in w]
    assert "sea:waves was Dataset/vo/waves, whose copies carry the marks of that name" in warning
    assert "lifecycle: {moved: waves}" in warning
    commit(root, {"data.yaml": other.replace("spec:", "lifecycle: {moved: waves}\nspec:")})
    assert not [w for w in planned(root).warnings if "Dataset/vo/big" in w]
    applied(root, until_quiet=True)
    assert (stored(root), said(planned(root))) == (["ab"] * 3, [])
