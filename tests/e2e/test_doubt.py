"""Never delete on doubt: what one failed read hides may not let anything else be taken away."""

from __future__ import annotations

import pytest

from reconciler.drivers.simulated import World
from reconciler.model import digest_of
from tests.e2e.test_line import CLUSTER, FILES
from tests.house import applied, commit, planned, said
from tests.kinds.datasetrule.test_line import DERIVED, EXAMPLES

AUTO = CLUSTER.replace("name: hpc,", "name: roams,").replace("site: ALPHA\n  cloud: main", "site: auto")


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, FILES)
    applied(tmp_path)
    return tmp_path


def spoil(path):
    """Make a file unreadable for its driver; returns what puts it right."""
    before = path.read_bytes()
    path.write_bytes(b"(((")
    return lambda: path.write_bytes(before)


def test_what_is_used_by_something_unread_is_not_taken_away_before_it(root):
    repair = spoil(root / ".hanse/state/dns/fed.example.org.zone")
    commit(root, {"cluster.yaml": None, "names.yaml": None})
    assert sorted(said(applied(root).plan)) == [
        "defer DNSRecord/team/hpc TargetUnreachable",
        "defer DNSRecord/team/www TargetUnreachable",
        "defer VirtualCluster/team/hpc DependencyNotReady",
    ]
    repair()
    assert {action.verb for action in applied(root).plan.actions} == {"delete"}


def test_copies_of_a_rule_without_a_place_stay_although_the_register_cannot_be_read(tmp_path):
    commit(tmp_path, EXAMPLES)
    applied(tmp_path, until_quiet=True)
    impossible = EXAMPLES["datasetrule.yaml"].replace("locations:", "locations: country=XX & ")
    commit(tmp_path, {"datasetrule.yaml": impossible})
    spoil(tmp_path / ".hanse/state/registry/registry.sqlite")
    assert "defer DatasetRule/tides/sediment-near NoPlace" in said(planned(tmp_path))
    assert not any(DERIVED in line for line in said(planned(tmp_path)))


def test_drift_of_a_cluster_that_was_placed_is_seen_beside_one_that_stands_in_git(root):
    commit(root, {"roams.yaml": AUTO})
    applied(root)
    applied(root)
    plan = planned(root)
    assert (plan.actions, plan.strays) == ((), ())
    (path,) = (root / ".hanse/state/compute").glob("*.sqlite")
    world = World.open(path)
    mark = digest_of(b"hanse/VirtualCluster/team/roams")[:12]
    world.destroy_behind_our_back(next(name for name in world.names() if name.startswith(f"{mark}-wn")))
    assert said(planned(root)) == ["update VirtualCluster/team/roams DriftDetected"]
    applied(root)
    assert planned(root).actions == ()


def test_a_cluster_that_loses_its_place_is_nobodys_stray(root):
    commit(root, {"roams.yaml": AUTO})
    applied(root)
    commit(root, {"roams.yaml": AUTO.replace("site: auto", "site: auto\n  requirements: {countries: [PT]}")})
    plan = planned(root)
    assert (said(plan), plan.strays) == (["defer VirtualCluster/team/roams NoPlace"], ())


def test_what_was_read_by_another_way_is_not_trusted(root):
    applied(root)
    assert planned(root).actions == ()
    (root / "hanse.toml").write_text('[targets."compute:*"]\ndriver = "opnstack"\n')
    plan = planned(root)
    assert "no compute driver called opnstack" in next(iter(plan.unreachable.values()))
    assert plan.unread == 1
    (root / "hanse.toml").write_text("")
    assert planned(root).unreachable == {}
