"""Many clusters on clouds that fail a fifth of the calls: one apply makes them all, and no machine twice."""

from __future__ import annotations

import pytest

from reconciler.apply import Conduct, Pace, Threads
from reconciler.reconcile import propose, reconcile
from tests.benchmarks import scale
from tests.house import opened

CLUSTERS, MEMBERS, SITES = 24, 5, 4
PATIENT = Conduct(Pace(first_delay=0.01, longest_delay=0.05, attempts=60, breaker=100))


@pytest.fixture
def root(tmp_path):
    scale.federation(tmp_path, CLUSTERS, MEMBERS, SITES, scale.FAULTS)
    return tmp_path


def test_every_cluster_converges_in_one_apply_and_no_machine_is_doubled(root):
    with opened(root) as house:
        report = reconcile(house, propose(house, "HEAD"), Threads(8), PATIENT, "tester")
        assert [str(o) for o in report.outcomes if o.state != "done"] == []
        there = scale.machines(root)
        assert len(there) == CLUSTERS * MEMBERS
        assert set(there.values()) == {1}


def test_a_thousand_machines_are_observed_in_two_calls(tmp_path):
    """One list for all clusters of a target, and what else is held there."""
    scale.federation(tmp_path, 20, 50)
    with opened(tmp_path) as house:
        reconcile(house, propose(house, "HEAD"), Threads(8), PATIENT, "tester")
        before = scale.calls(tmp_path)
        proposal = propose(house, "HEAD")
    made = {verb: n - before.get(verb, 0) for verb, n in scale.calls(tmp_path).items()}
    assert not proposal.plan.pending
    assert sum(made.values()) <= 2, made
