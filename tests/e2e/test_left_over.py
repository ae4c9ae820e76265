"""What a create that failed has left in the world stays on the books until it is whole, or gone."""

from __future__ import annotations

import pytest

from reconciler.drivers.simulated.world import World
from tests.e2e.test_line import CLUSTER, SITE, VO, nodes
from tests.house import applied, commit, opened, planned, said

SCARCE = f"{SITE}      options: {{simulate: {{faults: [{{on: create, kind: quota, at: [3]}}]}}}}\n"


@pytest.fixture
def root(tmp_path):
    """A cluster whose last worker is over the quota."""
    commit(tmp_path, {"vo.yaml": VO, "site.yaml": SCARCE, "cluster.yaml": CLUSTER})
    return tmp_path


def unsettled(root):
    with opened(root) as house:
        return [row.state for row in house.store.journal.unsettled()]


def test_what_git_drops_is_taken_away_although_it_was_never_finished(root):
    failed = [outcome.action.ref for outcome in applied(root).outcomes if outcome.state == "failed"]
    assert failed == ["VirtualCluster/team/hpc"]
    assert nodes(root)
    commit(root, {"cluster.yaml": None})
    (action,) = planned(root).actions
    assert (action.verb, action.message) == ("delete", "a create of it was begun and never finished")
    applied(root)
    assert nodes(root) == []
    assert unsettled(root) == []
    assert planned(root).actions == ()


def test_what_git_still_wants_is_finished(root):
    applied(root)
    assert unsettled(root) == ["unknown"]
    commit(root, {"site.yaml": SITE})
    applied(root, until_quiet=True)
    assert len(nodes(root)) == 3
    assert unsettled(root) == []
    assert planned(root).actions == ()


def test_what_cannot_be_looked_at_stays_on_the_books(root):
    applied(root)
    (world,) = (root / ".hanse/state/compute").rglob("*.sqlite")
    World.close_all()
    content = world.read_bytes()
    world.write_bytes(b"not a database" * 100)
    commit(root, {"cluster.yaml": None})
    assert said(planned(root)) == ["defer VirtualCluster/team/hpc TargetUnreachable"]
    applied(root)
    world.write_bytes(content)
    applied(root)
    assert nodes(root) == []
