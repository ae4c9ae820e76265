"""A registered kind against the real embedded register."""

from __future__ import annotations

from typing import ClassVar

import pytest

from reconciler.drivers import embedded
from reconciler.drivers.embedded import Embedded
from reconciler.errors import Terminal
from reconciler.kinds.registered import Registered
from reconciler.model import Absent, Change, Present, Ref, Spec, Stray, Target, Unknown, Wanted
from reconciler.ports import Document

UID, OTHER = "a" * 32, "b" * 32


class BuoySpec(Spec):
    depth: int
    colour: str = "red"


class BuoyKind(Registered[BuoySpec]):
    name = "Buoy"
    plural = "buoys"
    Spec = BuoySpec
    federation_wide: ClassVar[bool] = True

    def outputs(self, ref, spec):
        return {"depth": spec.depth}


KIND = BuoyKind()
REF = Ref("Buoy/north")


class OnlyRegistry:
    """Drivers of an installation that has nothing but a register."""

    def registry(self, target):
        return embedded.open(target, self)


DRIVERS = OnlyRegistry()


@pytest.fixture
def target(tmp_path):
    return Target("registry:buoys", "embedded", {"state": str(tmp_path)})


def change(spec, ref=REF, uid=UID):
    return Change(ref, uid, 1, spec)


def look(target, *wanted, token=""):
    return KIND.observe(target, wanted, DRIVERS, token)


def wanted(spec, ref=REF, uid=UID):
    return Wanted(ref, uid, spec)


def test_what_is_put_is_observed_with_its_mark_outputs_and_digest(target):
    spec = BuoySpec(depth=3)
    assert KIND.put(target, [change(spec)], DRIVERS)[REF].outputs == {"depth": 3}
    seen = look(target, wanted(spec)).results[REF]
    assert isinstance(seen, Present)
    assert (seen.spec, seen.uid, seen.owned, seen.digest, seen.outputs) == (
        spec,
        UID,
        True,
        spec.digest(),
        {"depth": 3},
    )


def test_drift_is_seen_as_the_registers_own_spec(target):
    KIND.put(target, [change(BuoySpec(depth=4))], DRIVERS)
    assert look(target, wanted(BuoySpec(depth=3))).results[REF].spec == BuoySpec(depth=4)


def test_what_is_removed_is_absent_and_may_be_removed_again(target):
    KIND.put(target, [change(BuoySpec(depth=3))], DRIVERS)
    for _ in range(2):
        KIND.remove(target, [change(BuoySpec(depth=3))], DRIVERS)
    assert look(target, wanted(BuoySpec(depth=3))).results[REF] == Absent()


def test_a_second_put_changes_nothing(target):
    spec = BuoySpec(depth=3)
    KIND.put(target, [change(spec)], DRIVERS)
    before = look(target, wanted(spec)).results
    KIND.put(target, [change(spec)], DRIVERS)
    assert look(target, wanted(spec)).results == before


def test_a_body_that_no_longer_parses_is_unknown_and_never_absent(target, tmp_path):
    Embedded(tmp_path / "registry.sqlite", "buoys").put([Document("north", {"depth": "deep"}, UID)])
    seen = look(target, wanted(BuoySpec(depth=3))).results[REF]
    assert isinstance(seen, Unknown)
    assert "north is not a Buoy: depth" in seen.reason


def test_a_body_of_an_older_schema_gets_the_defaults_of_today(target, tmp_path):
    Embedded(tmp_path / "registry.sqlite", "buoys").put([Document("north", {"depth": 3}, UID)])
    spec = BuoySpec(depth=3)
    assert look(target, wanted(spec)).results[REF].digest == spec.digest()


def test_a_document_without_a_mark_is_not_ours(target, tmp_path):
    Embedded(tmp_path / "registry.sqlite", "buoys").put([Document("north", {"depth": 3})])
    assert look(target, wanted(BuoySpec(depth=3))).results[REF].owned is False


def test_marked_documents_wanted_by_nobody_are_strays_and_unmarked_ones_are_not(target, tmp_path):
    Embedded(tmp_path / "registry.sqlite", "buoys").put([Document("lost", {}, OTHER), Document("theirs", {})])
    assert look(target, wanted(BuoySpec(depth=3))).strays == (Stray("registry:buoys", OTHER, "lost", "Buoy"),)


def test_an_unchanged_register_is_told_by_the_token(target):
    spec = BuoySpec(depth=3)
    KIND.put(target, [change(spec)], DRIVERS)
    token = look(target, wanted(spec)).token
    assert look(target, wanted(spec), token=token).unchanged


def test_a_renamed_resource_is_found_by_its_mark_and_moved_by_a_put(target):
    spec, new = BuoySpec(depth=3), Ref("Buoy/south")
    KIND.put(target, [change(spec)], DRIVERS)
    seen = look(target, wanted(spec, new)).results[new]
    assert (seen.uid, seen.note) == (UID, "registered under its former name north")
    assert seen.digest != spec.digest()
    KIND.put(target, [change(spec, new)], DRIVERS)
    reading = look(target, wanted(spec, new))
    assert reading.results[new].digest == spec.digest()
    assert reading.strays == ()


def test_a_register_that_cannot_be_read_raises(target, tmp_path):
    (tmp_path / "registry.sqlite").write_text("no database " * 100)
    with pytest.raises(Terminal):
        look(target, wanted(BuoySpec(depth=3)))


def test_namespaces_keep_equal_names_apart(target):
    a, b = Ref("Buoy/x/north"), Ref("Buoy/y/north")
    KIND.put(target, [change(BuoySpec(depth=1), a), change(BuoySpec(depth=2), b, OTHER)], DRIVERS)
    seen = look(target, wanted(BuoySpec(depth=1), a), wanted(BuoySpec(depth=2), b, OTHER)).results
    assert [seen[a].spec.depth, seen[b].spec.depth] == [1, 2]
