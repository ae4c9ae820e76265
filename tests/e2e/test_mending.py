"""Mending has a budget: what breaks again and again, or all at once, waits for a person, for time, or for the cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.drivers.simulated import World
from reconciler.model import Reason
from tests.e2e.test_line import CLUSTER, SITE, VO
from tests.house import applied, commit, planned, said

BUDGET = "  replacement: {atOnce: 1, repairsPerHour: 2}\n"
FILES = {"vo.yaml": VO, "site.yaml": SITE, "cluster.yaml": CLUSTER + BUDGET}
MENDED = "update VirtualCluster/team/hpc DriftDetected"
HELD = "update VirtualCluster/team/hpc ApprovalRequired"
APPROVAL = """apiVersion: hanse/v1
kind: Approval
metadata: {{name: mend}}
spec:
  scope: {{actions: [update], resources: [VirtualCluster/team/hpc]}}
  atMost: 1
  expires: {expires:%Y-%m-%dT%H:%M:%SZ}
  reason: the cloud is well again
  by: ada@example.org
"""


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, FILES)
    applied(tmp_path, until_quiet=True)
    yield tmp_path
    World.close_all()


def workers(root) -> list[str]:
    return [name for name in world(root).names() if "-wn-" in name]


def world(root) -> World:
    (path,) = (root / ".hanse/state/compute").rglob("*.sqlite")
    return World.open(path)


def test_a_worker_that_vanishes_again_and_again_is_mended_so_often_within_an_hour(root):
    for _ in range(2):
        world(root).destroy_behind_our_back(workers(root)[0])
        assert said(applied(root).plan) == [MENDED]
        assert len(workers(root)) == 2
    world(root).destroy_behind_our_back(workers(root)[0])
    assert said(applied(root).plan) == [HELD]
    assert len(workers(root)) == 1
    (held,) = planned(root).blocked
    assert held.message.startswith("1 of 3 machines are missing or do not serve; it was mended 2 times within the last")
    later = lambda: datetime.now(UTC) + timedelta(minutes=61)  # noqa: E731
    assert said(planned(root, clock=later)) == [MENDED]


def test_many_that_vanish_at_once_wait_for_an_approval(root):
    for name in workers(root):
        world(root).destroy_behind_our_back(name)
    assert said(applied(root).plan) == [HELD]
    commit(root, {"approval.yaml": APPROVAL.format(expires=datetime.now(UTC) + timedelta(hours=1))})
    assert MENDED in said(applied(root).plan)
    assert len(workers(root)) == 2


def test_a_change_in_git_is_no_repair(root):
    for name in workers(root):
        world(root).destroy_behind_our_back(name)
    commit(root, {"cluster.yaml": (CLUSTER + BUDGET).replace("count: 2", "count: 3")})
    (action,) = applied(root).plan.actions
    assert (action.blocked, action.reason) == (None, Reason.SPEC_CHANGED)
    assert len(workers(root)) == 3
