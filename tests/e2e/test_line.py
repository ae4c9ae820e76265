"""From a commit to a reconciled federation and back to quiet, on the embedded back ends."""

from __future__ import annotations

import pytest

from reconciler.drivers.simulated import World
from tests.house import applied, commit, opened, planned, said

VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: vo.example.org}\nspec: {description: A community}\n"
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: ALPHA}
spec:
  country: DE
  clouds:
    - name: main
      driver: simulated
      endpoint: https://alpha.example.org:5000/v3
      shares: [{vo: vo.example.org, projectId: p1}]
"""
CLUSTER = """apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: hpc, namespace: team}
spec:
  vo: vo.example.org
  site: ALPHA
  cloud: main
  frontend: {cpus: 1, ramMiB: 1024, image: debian-12}
  workers:
    - {name: wn, count: 2, cpus: 1, ramMiB: 1024, image: debian-12}
  sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tester@example.org]
  software:
    - {role: http_service, variables: {page: hello}}
"""
NAMES = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: hpc, namespace: team}
spec:
  zone: fed.example.org
  name: hpc
  valuesFrom: {kind: VirtualCluster, name: hpc, output: frontend_address}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: www, namespace: team}
spec: {zone: fed.example.org, name: www, ttl: 300, values: [192.0.2.1]}
"""
FILES = {"vo.yaml": VO, "site.yaml": SITE, "cluster.yaml": CLUSTER, "names.yaml": NAMES}


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, FILES)
    return tmp_path


def nodes(root):
    paths = list((root / ".hanse/state/compute").rglob("*.sqlite*"))
    return [n for p in paths if p.suffix == ".sqlite" for n in World.open(p).names()]


def test_the_whole_line_makes_it_so_in_order_and_is_quiet_afterwards(root):
    plan = planned(root)
    assert said(plan) == [
        "create DNSRecord/team/www New",
        "create VO/vo.example.org New",
        "create Site/ALPHA New",
        "create VirtualCluster/team/hpc New",
        "create DNSRecord/team/hpc New",
    ]
    assert [c.known for a in plan.actions for c in a.changes] == [False]
    report = applied(root)
    assert {o.state for o in report.outcomes} == {"done"}
    assert planned(root).actions == ()
    applied(root)
    assert planned(root).actions == ()


def test_a_commit_that_changes_one_thing_plans_one_thing(root):
    applied(root)
    commit(root, {"names.yaml": NAMES.replace("ttl: 300", "ttl: 600")})
    (action,) = planned(root).actions
    assert [(c.path, c.before, c.after, c.origin) for c in action.changes] == [("spec.ttl", 300, 600, "intent")]
    applied(root)
    assert planned(root).actions == ()


def test_drift_of_a_zone_is_shown_as_drift_and_repaired(root):
    applied(root)
    (zone,) = (root / ".hanse/state/dns").glob("fed.example.org*.zone")
    zone.write_text(zone.read_text().replace("192.0.2.1", "192.0.2.66"))
    (action,) = planned(root).actions
    assert (action.reason, action.changes[0].origin) == ("DriftDetected", "drift")
    applied(root)
    assert "192.0.2.66" not in zone.read_text()
    assert planned(root).actions == ()


def test_taking_everything_but_the_vo_away_goes_backwards_and_leaves_nothing(root):
    applied(root)
    commit(root, {"cluster.yaml": None, "names.yaml": None, "site.yaml": None})
    plan = planned(root)
    refs = [a.ref for a in plan.actions]
    assert refs.index("DNSRecord/team/hpc") < refs.index("VirtualCluster/team/hpc") < refs.index("Site/ALPHA")
    assert {o.state for o in applied(root).outcomes} == {"done"}
    assert planned(root).actions == ()
    with opened(root) as house:
        assert set(house.store.inventory.entries()) == {"VO/vo.example.org"}


def test_a_rename_with_moved_changes_nothing_in_the_world(root):
    applied(root)
    commit(
        root,
        {
            "cluster.yaml": CLUSTER.replace("name: hpc,", "name: slurm,").replace(
                "spec:\n", "lifecycle: {moved: hpc}\nspec:\n", 1
            ),
            "names.yaml": NAMES.replace("name: hpc, output", "name: slurm, output"),
        },
    )
    assert said(planned(root)) == ["move VirtualCluster/team/slurm Renamed"]
    applied(root)
    assert planned(root).actions == ()


def test_after_the_database_is_lost_everything_is_found_again_in_one_run(root):
    applied(root)
    for path in (root / ".hanse").glob("hanse.db*"):
        path.unlink()
    report = applied(root)
    assert {(o.action.verb, o.action.reason, o.state) for o in report.outcomes} == {
        ("adopt", "OutcomeResolved", "done")
    }
    assert planned(root).actions == ()


def test_a_file_that_moves_plans_nothing(root):
    applied(root)
    commit(root, {"names.yaml": None, "deep/er/names.yml": NAMES})
    assert planned(root).actions == ()


def test_a_zone_that_cannot_be_read_makes_only_its_own_names_unknown(root):
    applied(root)
    (zone,) = (root / ".hanse/state/dns").glob("fed.example.org*.zone")
    zone.write_text("this is no zone file\n(((")
    commit(root, {"vo.yaml": VO.replace("A community", "Another"), "names.yaml": None})
    plan = planned(root)
    assert sorted(said(plan)) == [
        "defer DNSRecord/team/hpc TargetUnreachable",
        "defer DNSRecord/team/www TargetUnreachable",
        "update VO/vo.example.org SpecChanged",
    ]
    assert list(plan.unreachable) == ["dns:fed.example.org."]


def test_a_cloud_with_a_wrong_option_makes_only_its_own_clusters_unknown(root):
    commit(root, {"site.yaml": f"{SITE}      options: {{simulate: {{seeed: 3}}}}\n"})
    cluster = next(action for action in planned(root).actions if action.ref == "VirtualCluster/team/hpc")
    assert (cluster.verb, cluster.reason) == ("defer", "TargetUnreachable")
    assert "simulate.seeed" in cluster.message
    assert "DNSRecord/team/www" in [outcome.action.ref for outcome in applied(root).outcomes if outcome.state == "done"]
