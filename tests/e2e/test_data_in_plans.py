"""What a plan says of data: bytes from where to where, room, quotas, time and cost; and what if something were down."""

from __future__ import annotations

import shutil

import pytest

from reconciler import suppose
from reconciler.errors import SettingsError
from reconciler.model import Plan
from reconciler.plan.render import text
from reconciler.plan.saved import from_json, to_json
from reconciler.reconcile import propose
from tests.house import applied, commit, opened, planned, said

GB = 1_000_000_000
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  country: {country}
  storage:
    - name: disk
      driver: directory
      limits: {{maxBytes: {GB}}}
      price: {{storedPerTBMonth: 1000000000, readPerTB: 2000000000}}
      links: {links}
      quotas: [{{vo: vo.sea.example.org, maxBytes: 100}}]
"""
SITES = {
    "north.yaml": SITE.format(name="NORTH", country="DE", links="[{to: WEST, bytesPerSecond: 3}]", GB=GB),
    "west.yaml": SITE.format(name="WEST", country="CA", links="[]", GB=GB),
    "east.yaml": SITE.format(name="EAST", country="JP", links="[{to: WEST, distance: 1}]", GB=GB),
    "vo.yaml": "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: vo.sea.example.org}\nspec: {}\n",
}
DATA = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: waves, namespace: sea}
spec:
  scope: sea
  name: waves
  vo: vo.sea.example.org
  files:
    - {path: a.csv, size: 6, checksum: adler32:084b021f, source: "data:,hello%0A"}
    - {path: b.csv, size: 6, checksum: adler32:084b021f, source: "data:,hello%0A"}
"""
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: waves, namespace: sea}}
spec: {{scope: sea, name: waves, copies: {copies}, locations: {locations}, spread: continent}}
"""


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, {**SITES, "data.yaml": DATA, "rule.yaml": RULE.format(copies=1, locations="NORTH")})
    applied(tmp_path)
    return tmp_path


def wanted(root, copies: int, locations: str = '"*"') -> Plan:
    commit(root, {"rule.yaml": RULE.format(copies=copies, locations=locations)})
    return planned(root)


def supposed(root, *downs: str) -> tuple[Plan, list[str]]:
    found = suppose.parse(downs)
    with opened(root) as house:
        plan = suppose.seen(propose(house, "HEAD", down=found).plan, found)
    return plan, list(suppose.told(plan, found))


def test_a_new_copy_is_told_with_its_bytes_its_way_its_time_and_its_cost(root):
    data = wanted(root, 2, "NORTH|WEST").data
    (rule,) = data.rules
    assert (rule.data, rule.copies, rule.files, rule.bytes) == ("sea:waves", 2, 2, 12)
    assert (rule.kept, rule.made, rule.released, rule.protected) == (1, 1, 0, 0)
    (flow,) = data.flows
    assert (flow.source, flow.target, flow.files, flow.bytes) == ("NORTH/disk", "WEST/disk", 2, 12)
    assert (flow.seconds, flow.cost) == (4.0, pytest.approx(0.024))
    assert (data.files, data.bytes, data.seconds) == (2, 12, 4.0)
    assert (data.cost, data.monthly) == (pytest.approx(0.024), pytest.approx(0.012))


def test_room_and_quota_are_told_before_and_after(root):
    (west,) = wanted(root, 2, "NORTH|WEST").data.storages
    assert (west.storage, west.used, west.comes, west.free, west.free_after) == ("WEST/disk", 0, 12, GB, GB - 12)
    (quota,) = west.quotas
    assert (quota.vo, quota.before, quota.after, quota.most) == ("vo.sea.example.org", 0, 12, 100)


def test_the_nearest_copy_that_stands_is_the_source(root):
    wanted(root, 2, "NORTH|EAST")
    applied(root)
    sources = {flow.source for flow in wanted(root, 3).data.flows}
    assert sources == {"EAST/disk"}
    shutil.rmtree(root / ".hanse/state/storage/EAST/disk/sea")
    assert {(f.source, f.target) for f in planned(root).data.flows} == {
        ("NORTH/disk", "EAST/disk"),
        ("NORTH/disk", "WEST/disk"),
    }


def test_what_lost_one_of_its_files_needs_only_that_one(root):
    wanted(root, 2, "NORTH|WEST")
    applied(root)
    (root / ".hanse/state/storage/WEST/disk/sea/waves/b.csv").unlink()
    plan = planned(root)
    assert said(plan) == ["update Replica/sea/waves.WEST.disk DriftDetected"]
    (flow,) = plan.data.flows
    assert (flow.source, flow.files, flow.bytes) == ("NORTH/disk", 1, 6)


def test_a_file_with_another_content_is_copied_too(root):
    wanted(root, 2, "NORTH|WEST")
    applied(root)
    (root / ".hanse/state/storage/WEST/disk/sea/waves/b.csv").write_text("rotten")
    (flow,) = planned(root).data.flows
    assert (flow.source, flow.files, flow.bytes) == ("NORTH/disk", 1, 6)


def test_a_copy_let_go_is_released_and_its_room_comes_back(root):
    wanted(root, 2, "NORTH|WEST")
    applied(root)
    data = wanted(root, 1, "NORTH|WEST").data
    (rule,) = data.rules
    assert (rule.kept, rule.made, rule.released) == (1, 0, 1)
    (store,) = data.storages
    assert store.goes == 12
    assert (data.gone_files, data.gone_bytes) == (2, 12)
    assert data.monthly == pytest.approx(-0.012)


def test_a_rule_that_ends_is_told_with_what_goes_and_what_its_vo_held(root):
    wanted(root, 2, "NORTH|WEST")
    applied(root)
    other = RULE.format(copies=1, locations="NORTH").replace("metadata: {name: waves,", "metadata: {name: kept,")
    commit(root, {"rule.yaml": None, "other.yaml": other.replace("copies: 1", "copies: 1, owner: ada")})
    data = planned(root).data
    assert {r.ref: (r.copies, r.kept, r.released) for r in data.rules}["DatasetRule/sea/waves"] == (0, 0, 1)
    (west,) = data.storages
    assert [(q.before, q.after) for q in west.quotas] == [(12, 0)]
    assert (data.gone_files, data.gone_bytes) == (2, 12)


def test_files_placed_one_by_one_count_as_the_copies_that_they_make(root):
    scattered = RULE.format(copies=2, locations='"*"').replace("spread: continent", "grouping: NONE")
    commit(root, {"rule.yaml": scattered})
    applied(root, until_quiet=True)
    held = {
        s: len(list((root / f".hanse/state/storage/{s}/disk/sea").rglob("*.csv"))) for s in ("NORTH", "WEST", "EAST")
    }
    fullest = max(held, key=lambda s: held[s])
    _, told = supposed(root, f"site={fullest} down")
    assert "no copy" not in told[0]


def test_the_last_copy_is_told_and_stays(root):
    commit(root, {"rule.yaml": None})
    plan = planned(root)
    assert said(plan)[-1] == "delete Replica/sea/waves.NORTH.disk LastCopy"
    assert [ref for ref, _ in plan.data.last] == ["Replica/sea/waves.NORTH.disk"]


def test_a_rule_that_finds_no_place_is_refused_with_the_reason(root):
    (rule,) = wanted(root, 3, "NORTH|WEST").data.rules
    assert rule.refused.startswith("3 wanted, 2 of 3 candidates fit")
    assert rule.kept == 1


def test_data_that_nothing_holds_and_nothing_gives_is_unreachable(root):
    bare = DATA.replace(', source: "data:,hello%0A"', "").replace("waves", "tides")
    commit(
        root, {"more.yaml": bare, "more-rule.yaml": RULE.format(copies=1, locations="WEST").replace("waves", "tides")}
    )
    ((ref, why),) = planned(root).data.unreachable
    assert ref == "Replica/sea/tides.WEST.disk"
    assert "add source" in why


def test_a_plan_without_data_says_nothing_of_it(root):
    commit(root, {"vo2.yaml": SITES["vo.yaml"].replace("vo.sea", "vo.land")})
    plan = planned(root)
    assert plan.data is None
    assert "Data" not in text(plan)


def test_a_saved_plan_keeps_what_it_says_of_data(root):
    plan = wanted(root, 2, "NORTH|WEST")
    assert from_json(to_json(plan)) == plan


def test_the_text_of_a_plan_tells_it(root):
    shown = text(wanted(root, 2, "NORTH|WEST"))
    assert "NORTH/disk -> WEST/disk  2 files, 12 B, about 4 s, costs 0.02" in shown
    assert "DatasetRule/sea/waves  2 copies of sea:waves (2 files, 12 B): 1 kept, 1 made or mended" in shown
    assert "in all 2 files, 12 B to copy; about 4 s; costs 0.02 to read, 0.01 more a month to keep" in shown


# -- what if -----------------------------------------------------------------------------------------------------------


def test_a_site_supposed_down_is_planned_around_and_its_rules_are_told(root):
    wanted(root, 2, "NORTH|WEST|EAST")
    applied(root)
    before = said(planned(root))
    held = next(r for r in ("EAST", "WEST") if (root / f".hanse/state/storage/{r}/disk/sea").exists())
    other = {"EAST": "WEST", "WEST": "EAST"}[held]
    plan, told = supposed(root, f"site={held} down")
    assert [(f.source, f.target) for f in plan.data.flows] == [("NORTH/disk", f"{other}/disk")]
    assert told[0] == f"With site={held} down 1 rule has fewer copies than wanted:"
    assert "has 1 of 2 copies; 1 would be made" in told[1]
    assert said(planned(root)) == before == []


def test_what_is_supposed_down_is_no_source_and_what_only_it_holds_cannot_be_read(root):
    plan, told = supposed(root, "storage=NORTH/disk down")
    assert said(plan) == ["defer DatasetRule/sea/waves NoPlace"]
    assert told[0].endswith("1 of them no copy at all:")
    assert not any(a.target == "storage:NORTH/disk" for a in plan.actions)


def test_nothing_falls_short_where_nothing_lies(root):
    plan, told = supposed(root, "site=EAST down")
    assert said(plan) == []
    assert told == ["With site=EAST down every rule keeps its copies."]


@pytest.mark.parametrize(
    ("what", "cure"),
    [
        ("site=NORT down", "did you mean NORTH?"),
        ("storage=NORTH/dsk", "did you mean disk?"),
        ("storage=NORTH", "write 'site=SITE down'"),
        ("NORTH", "write 'site=SITE down'"),
    ],
)
def test_what_is_not_there_cannot_be_supposed_down(root, what, cure):
    with pytest.raises(SettingsError) as error:
        supposed(root, what)
    assert cure in str(error.value)
