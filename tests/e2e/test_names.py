"""A name follows its cluster, on a real BIND: it moves with the address and is gone before the address is given back."""

from __future__ import annotations

import json

import dns.message
import dns.query
import pytest

from reconciler.cli import main
from reconciler.drivers.simulated import World
from reconciler.reconcile import propose
from reconciler.records.names import names
from tests.e2e.test_line import CLUSTER, SITE, VO
from tests.house import applied, commit, once, opened, planned, said
from tests.real.bind import bind
from tests.real.waiting import PATIENCE

__all__ = ["bind"]

RECORD = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: hpc, namespace: team}}
spec:
  zone: {zone}
  name: hpc
  ttl: 60
  valuesFrom: {{kind: VirtualCluster, name: hpc, output: frontend_address}}
"""
FILES = {"vo.yaml": VO, "site.yaml": SITE, "cluster.yaml": CLUSTER}
ALIAS = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: portal, namespace: team}}
spec: {{zone: {zone}, name: portal, ttl: 60, type: CNAME, values: [hpc.{zone}]}}
"""
LITERAL = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: old, namespace: team}}
spec: {{zone: {zone}, name: old, ttl: 60, values: [{address}]}}
"""
PROBE = """apiVersion: hanse/v1
kind: Probe
metadata: {name: hpc, namespace: team}
spec:
  target: {dnsRecord: hpc}
  plugin: check_ssh
  arguments: ["{host}"]
"""
TOML = """[targets."dns:{zone}"]
driver = "rfc2136"
server = "127.0.0.1"
port = {port}
key = {{ file = "{key}" }}
timeout_seconds = 60.0
"""


@pytest.fixture
def zone(bind):
    with bind.zone("names.fed.example.") as name:
        yield name


@pytest.fixture
def root(tmp_path, bind, zone):
    (tmp_path / "hanse.toml").write_text(TOML.format(zone=zone, port=bind.port, key=bind.writer_key))
    commit(tmp_path, {**FILES, "names.yaml": RECORD.format(zone=zone)})
    applied(tmp_path, until_quiet=True)
    return tmp_path


@pytest.fixture
def resolved(bind, zone):
    """What the name server answers for a name of the zone."""

    def ask(label="hpc", rdtype="A"):
        query = dns.message.make_query(f"{label}.{zone}", rdtype)
        answer = dns.query.tcp(query, "127.0.0.1", timeout=PATIENCE, port=bind.port)
        return [value.to_text() for rrset in answer.answer for value in rrset]

    return ask


def front(root):
    """The address of the cluster's front end, as the records know it."""
    with opened(root) as house:
        found = house.store.inventory.outputs(["VirtualCluster/team/hpc"])
    return found["VirtualCluster/team/hpc"]["frontend_address"]


def held_names(root):
    with opened(root) as house:
        return names(house.store.database)


def world(root):
    (path,) = (path for path in (root / ".hanse/state/compute").rglob("*.sqlite"))
    return World.open(path)


class Watched:
    """Drivers that tell what the name server answered just before a machine was given back."""

    def __init__(self, drivers, resolved):
        self._drivers, self._resolved, self.seen = drivers, resolved, []

    def __getattr__(self, name):
        return getattr(self._drivers, name)

    def compute(self, target):
        cloud, watched = self._drivers.compute(target), self

        class Cloud:
            def __getattr__(self, name):
                return getattr(cloud, name)

            def destroy(self, node_id):
                address = next(node.addresses[0] for node in cloud.nodes().nodes if node.id == node_id)
                watched.seen.append((address, watched._resolved()))
                cloud.destroy(node_id)

        return Cloud()


def watched_run(root, resolved, passes=5):
    """Reconcile until quiet; what the name said when each machine was given back."""
    seen = []
    with opened(root) as house:
        house.drivers = watch = Watched(house.drivers, resolved)
        for _ in range(passes):
            if not once(house, propose(house, "HEAD")).plan.pending:
                break
        seen += watch.seen
    return seen


def test_the_name_of_a_cluster_is_its_front_end(root, resolved):
    assert resolved() == [front(root)]
    assert planned(root).actions == ()


def test_a_front_end_that_was_replaced_takes_the_name_along_in_the_next_pass(root, resolved):
    before = front(root)
    (name,) = [name for name in world(root).names() if "front" in name]
    world(root).destroy_behind_our_back(name)
    applied(root)
    applied(root)
    assert front(root) != before
    assert resolved() == [front(root)]
    assert planned(root).actions == ()


def test_on_removal_the_name_is_gone_before_any_address_is_given_back(root, resolved):
    commit(root, {"cluster.yaml": None, "names.yaml": None})
    order = [action.ref for action in planned(root).actions]
    assert order == ["DNSRecord/team/hpc", "VirtualCluster/team/hpc"]
    seen = watched_run(root, resolved)
    assert len(seen) == 3
    assert all(answer == [] for _, answer in seen)
    assert planned(root).actions == ()


def test_a_cluster_that_is_made_anew_elsewhere_takes_its_name_along_in_the_next_pass(root, resolved):
    before = front(root)
    commit(root, {"site.yaml": SITE.replace("main", "other"), "cluster.yaml": CLUSTER.replace("main", "other")})
    assert said(applied(root).plan)[-1] == "replace VirtualCluster/team/hpc ImmutableFieldChanged"
    (moved,) = applied(root).plan.actions
    assert (moved.verb, moved.ref) == ("update", "DNSRecord/team/hpc")
    assert front(root) != before
    assert resolved() == [front(root)]
    assert planned(root).actions == ()


def test_a_cluster_that_is_made_anew_in_its_place_keeps_the_address_that_its_name_leads_to(root, resolved):
    public = CLUSTER + "  network: {publicAddress: true}\n"
    commit(root, {"cluster.yaml": public})
    applied(root, until_quiet=True)
    before = front(root)
    assert resolved() == [before]
    commit(root, {"cluster.yaml": public.replace("cpus: 1", "cpus: 2", 1)})
    assert said(applied(root).plan)[-1] == "replace VirtualCluster/team/hpc ImmutableFieldChanged"
    assert (front(root), resolved()) == (before, [before])
    assert planned(root).actions == ()
    commit(root, {"cluster.yaml": CLUSTER})
    applied(root, until_quiet=True)
    assert front(root) != before
    assert resolved() == [front(root)]


def test_a_name_that_is_somebody_elses_is_not_taken_when_the_cluster_comes_up(tmp_path, bind, zone, resolved):
    (tmp_path / "hanse.toml").write_text(TOML.format(zone=zone, port=bind.port, key=bind.writer_key))
    commit(tmp_path, {"names.yaml": RECORD.format(zone=zone).replace("hpc\n  ttl", "static\n  ttl"), **FILES})
    report = applied(tmp_path)
    assert [(o.action.ref, o.state) for o in report.outcomes][-1] == ("DNSRecord/team/hpc", "deferred")
    (blocked,) = [a for a in report.plan.actions if a.ref == "DNSRecord/team/hpc"]
    assert blocked.blocked == "AdoptionConflict"
    assert resolved("static") == ["192.0.2.1"]


def test_names_and_probes_go_before_the_cluster(root, zone):
    commit(root, {"probe.yaml": PROBE, "alias.yaml": ALIAS.format(zone=zone)})
    applied(root, until_quiet=True)
    commit(root, {"cluster.yaml": None, "names.yaml": None, "probe.yaml": None, "alias.yaml": None})
    order = [action.ref for action in planned(root).actions]
    assert order.index("Probe/team/hpc") < order.index("DNSRecord/team/hpc") < order.index("VirtualCluster/team/hpc")


def test_an_alias_of_a_name_that_is_gone_is_said_to_lead_nowhere(root, zone):
    commit(root, {"alias.yaml": ALIAS.format(zone=zone)})
    applied(root, until_quiet=True)
    commit(root, {"cluster.yaml": None, "names.yaml": None})
    applied(root)
    (action,) = planned(root).actions
    assert (action.ref, action.verb) == ("DNSRecord/team/portal", "noop")
    assert action.message == f"leads to hpc.{zone}, which is not in the zone"
    applied(root)
    with opened(root) as house:
        healthy = [c for c in house.store.conditions.of("DNSRecord/team/portal") if c.type == "Healthy"]
    assert [(c.status, c.message) for c in healthy] == [("False", action.message)]


def test_a_name_that_still_leads_to_an_address_that_was_given_back_is_found(root, zone, capsys):
    literal = LITERAL.format(zone=zone, address=front(root))
    commit(root, {"literal.yaml": literal})
    applied(root, until_quiet=True)
    assert [one.fault for one in held_names(root)] == ["", ""]
    commit(root, {"cluster.yaml": None, "names.yaml": None})
    applied(root, until_quiet=True)
    (found,) = held_names(root)
    assert found.ref == "DNSRecord/team/old"
    assert "was VirtualCluster/team/hpc's, and no cluster has it any more" in found.fault
    capsys.readouterr()
    assert main(["-C", str(root), "names", "--output", "json"]) == 3
    assert json.loads(capsys.readouterr().out)[0]["ref"] == "DNSRecord/team/old"
    assert main(["-C", str(root), "names"]) == 3
    assert "old.names.fed.example" in capsys.readouterr().out


def test_the_address_of_a_front_end_that_was_replaced_is_found_too(root, zone):
    commit(root, {"literal.yaml": LITERAL.format(zone=zone, address=front(root))})
    applied(root, until_quiet=True)
    (name,) = [name for name in world(root).names() if "front" in name]
    world(root).destroy_behind_our_back(name)
    applied(root, until_quiet=True)
    assert [bool(one.fault) for one in held_names(root)] == [False, True]


def test_a_quiet_zone_is_asked_for_its_serial_alone(root):
    with opened(root) as house:
        read, seen = house.drivers.dns, []

        def dns_(target):
            port = read(target)

            class Asked:
                def read(self, token=""):
                    reading = port.read(token)
                    seen.append((bool(token), reading.unchanged))
                    return reading

            return Asked()

        house.drivers.dns = dns_
        assert propose(house, "HEAD").plan.actions == ()
    assert seen == [(True, True)]
