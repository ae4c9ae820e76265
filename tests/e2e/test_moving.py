"""What changes its back end is made there, then taken away here: never by a read that failed, never by half."""

from __future__ import annotations

import pytest

from reconciler.drivers.simulated import World
from reconciler.model import Change
from reconciler.plan.saved import from_json, to_json
from reconciler.reconcile import propose
from reconciler.resume import resume_plan
from tests.e2e.test_line import CLUSTER, FILES, SITE
from tests.house import applied, commit, once, opened, planned, said

RECORD = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: {name}, namespace: team}}
lifecycle: {{{lifecycle}}}
spec: {{zone: {zone}, name: {label}, ttl: 300, values: [192.0.2.1]}}
"""
OLD, NEW = "fed.example.org", "other.example.org"


def record(zone=OLD, label="www", name="www", lifecycle=""):
    return RECORD.format(zone=zone, label=label, name=name, lifecycle=lifecycle)


@pytest.fixture(params=[True, False], ids=["beside another record", "alone in its zone"])
def root(tmp_path, request):
    commit(tmp_path, {"www.yaml": record(), "stays.yaml": record(OLD if request.param else NEW, "stays", "stays")})
    applied(tmp_path)
    return tmp_path


def names(root):
    """Every A record in any zone."""
    files = sorted((root / ".hanse/state/dns").glob("[!.]*.zone"))
    lines = [line.split() for path in files for line in path.read_text().splitlines() if " A " in line]
    return {words[0].rstrip(".") for words in lines} - {f"stays.{OLD}", f"stays.{NEW}"}


@pytest.fixture
def zone(root):
    return root / ".hanse/state/dns" / f"{OLD}.zone"


def test_a_record_moves_to_another_zone_and_leaves_the_first(root):
    commit(root, {"www.yaml": record(NEW)})
    plan = planned(root)
    assert said(plan) == ["replace DNSRecord/team/www ImmutableFieldChanged"]
    assert plan.strays == ()
    assert {o.state for o in applied(root).outcomes} == {"done"}
    assert names(root) == {f"www.{NEW}"}
    assert planned(root).actions == ()


def test_a_record_that_is_renamed_and_moves_leaves_nothing_behind(root):
    commit(root, {"www.yaml": record(NEW, name="web", lifecycle="moved: www")})
    (action,) = planned(root).actions
    assert (action.verb, action.previous) == ("replace", "DNSRecord/team/www")
    applied(root)
    assert names(root) == {f"www.{NEW}"}
    assert planned(root).actions == ()


def test_nothing_moves_away_from_a_zone_that_cannot_be_read(root, zone):
    before = zone.read_text()
    zone.write_text("(((")
    commit(root, {"www.yaml": record(NEW)})
    assert said(applied(root).plan) == ["defer DNSRecord/team/www TargetUnreachable"]
    zone.write_text(before)
    assert names(root) == {f"www.{OLD}"}
    applied(root)
    assert names(root) == {f"www.{NEW}"}


def test_what_is_gone_from_its_former_zone_is_only_made_anew(root, zone):
    kept = [line for line in zone.read_text().splitlines() if "www." not in line]
    zone.write_text("\n".join(kept[1:]) + "\n")
    commit(root, {"www.yaml": record(NEW)})
    assert said(applied(root).plan) == ["create DNSRecord/team/www Vanished"]
    assert names(root) == {f"www.{NEW}"}
    assert planned(root).actions == ()


def test_nothing_is_taken_away_for_a_place_that_somebody_else_has(root):
    commit(root, {"more.yaml": record(NEW, "more", "more")})
    applied(root)
    other = root / ".hanse/state/dns" / f"{NEW}.zone"
    other.write_text(other.read_text() + f"www.{NEW}. 300 IN A 192.0.2.99\n")
    commit(root, {"www.yaml": record(NEW)})
    assert said(applied(root).plan) == ["replace DNSRecord/team/www AdoptionConflict"]
    assert f"www.{OLD}" in names(root)


def test_a_saved_plan_carries_a_replace_to_its_end(root):
    commit(root, {"www.yaml": record(label="web")})
    with opened(root) as house:
        saved = from_json(to_json(propose(house, "HEAD").plan))
    with opened(root) as house:
        report = once(house, resume_plan(house, saved, "HEAD"))
    assert [(o.action.verb, o.state) for o in report.outcomes] == [("replace", "done")]
    assert names(root) == {f"web.{OLD}"}
    assert planned(root).actions == ()


def test_whatever_moves_away_counts_where_it_is_taken_from(tmp_path):
    files = {f"{n}.yaml": record(label=f"n{n}", name=f"n{n}") for n in range(10)}
    commit(tmp_path, files)
    applied(tmp_path)
    commit(tmp_path, {f"{n}.yaml": record(NEW, f"n{n}", f"n{n}") for n in range(4)})
    assert {action.blocked for action in planned(tmp_path).actions} == {"ThresholdExceeded"}


def test_the_former_one_stands_until_the_new_one_is_there(root):
    other = root / ".hanse/state/dns" / f"{NEW}.zone"
    commit(root, {"more.yaml": record(NEW, "more", "more")})
    applied(root)
    commit(root, {"www.yaml": record(NEW)})
    with opened(root) as house:
        proposal = propose(house, "HEAD")
        other.write_text(other.read_text() + f"www.{NEW}. 300 IN A 192.0.2.99\n")
        report = once(house, proposal)
    assert [(o.action.verb, o.state) for o in report.outcomes] == [("replace", "failed")]
    assert f"www.{OLD}" in names(root)


def test_a_move_that_was_interrupted_goes_on(root):
    commit(root, {"www.yaml": record(NEW)})
    with opened(root) as house:
        proposal = propose(house, "HEAD")
        (action,) = proposal.plan.actions
        target = proposal.graph.targets[action.target]
        wanted = proposal.graph.resources[action.ref].spec
        house.kinds["DNSRecord"].put(target, [Change(action.ref, action.uid, 1, wanted)], house.drivers)
    assert names(root) == {f"www.{OLD}", f"www.{NEW}"}
    assert said(applied(root).plan) == ["replace DNSRecord/team/www ImmutableFieldChanged"]
    assert names(root) == {f"www.{NEW}"}
    assert planned(root).actions == ()


def test_a_cluster_moves_to_another_cloud_with_its_name_following(tmp_path):
    second = SITE.replace(
        "clouds:",
        "clouds:\n    - {name: spare, driver: simulated, endpoint: 'https://spare.example.org:5000/v3', "
        "shares: [{vo: vo.example.org, projectId: p2}]}",
    )
    commit(tmp_path, {**FILES, "site.yaml": second})
    applied(tmp_path)
    commit(tmp_path, {"cluster.yaml": CLUSTER.replace("cloud: main", "cloud: spare")})
    report = applied(tmp_path)
    assert "replace VirtualCluster/team/hpc ImmutableFieldChanged" in said(report.plan)
    assert {o.state for o in report.outcomes} == {"done"}
    applied(tmp_path, until_quiet=True)
    worlds = {path.name: World.open(path).names() for path in (tmp_path / ".hanse/state/compute").glob("*.sqlite")}
    assert {name.split("+")[1]: len(nodes) for name, nodes in worlds.items()} == {"main": 0, "spare": 3}
