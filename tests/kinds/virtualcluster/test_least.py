"""The least that works: one role is run again, what breaks is mended within a budget, jobs are waited for so long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.drivers.simulated import SimulatedCloud
from reconciler.kinds.virtualcluster import KIND
from reconciler.model import Action, Done, Policy, Reason, Started, Verb
from reconciler.plan.budget import within_budget
from reconciler.ports import BatchNode, Queue
from tests.kinds.virtualcluster.conftest import Stage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWO = [{"role": "web", "variables": {"title": "one"}}, {"role": "monitoring"}]


# -- one role ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch):
    """The roles of each run, as they are asked for."""
    seen, start = [], SimulatedCloud.start

    def noted(self, request):
        seen.append([role["role"] for role in request.variables["hanse_software"] if role.get("due", True)])
        return start(self, request)

    monkeypatch.setattr(SimulatedCloud, "start", noted)
    return seen


def put(stage, desired) -> None:
    change = replace(stage.change(desired), before=stage.look(desired).spec)
    assert isinstance(KIND.put(stage.target, [change], stage)[stage.ref], Done)
    stage.applied = desired


def test_only_the_role_that_has_changed_runs_again(stage, runs) -> None:
    stage.up(stage.spec(software=TWO))
    put(stage, stage.spec(software=[{"role": "web", "variables": {"title": "two"}}, TWO[1]]))
    put(stage, stage.spec(software=[{"role": "web", "variables": {"title": "two"}}, TWO[1], {"role": "nfs"}]))
    assert runs == [["web", "monitoring"], ["web"], ["nfs"]]


def test_a_role_that_is_not_wanted_any_more_is_taken_away_without_its_secrets(stage, monkeypatch) -> None:
    seen, start = [], SimulatedCloud.start
    monkeypatch.setattr(
        SimulatedCloud, "start", lambda self, asked: seen.append(asked.variables["hanse_dropped"]) or start(self, asked)
    )
    secret = {"title": "one", "token": {"secretRef": {"env": "WEB_TOKEN"}}}
    stage.secrets = {"WEB_TOKEN": "high-water"}
    stage.up(stage.spec(software=[{"role": "web", "variables": secret}, TWO[1]]))
    put(stage, stage.spec(software=[TWO[1]]))
    assert seen == [[], [{"role": "web", "variables": {"title": "one"}}]]


def test_a_new_member_or_one_that_stands_otherwise_gets_every_role(stage, runs) -> None:
    stage.up(stage.spec(software=TWO))
    other = [{"role": "web", "variables": {"title": "two"}}, TWO[1]]
    put(stage, stage.spec(software=other, workers=stage.workers(3)))
    assert runs[1:] == [["web", "monitoring"]]


# -- the budget -------------------------------------------------------------------------------------------------------


def mending(stage, desired, *lately: timedelta) -> Action:
    """What becomes of mending the cluster, when it was mended so long ago."""
    specs = {name: spec.model_dump(mode="json", exclude_none=True) for name, spec in
             (("before", stage.look(desired).spec), ("spec", desired))}  # fmt: skip
    action = Action(Verb.UPDATE, stage.ref, Reason.DRIFT_DETECTED, **specs)
    policy = Policy(NOW, mended={stage.ref: tuple(NOW - ago for ago in lately)})
    return within_budget(action, {KIND.name: KIND}, policy)


def test_more_lost_machines_at_once_than_the_budget_has_wait_for_a_person(stage) -> None:
    desired = stage.spec(workers=stage.workers(4), replacement={"atOnce": 2})
    stage.up(desired)
    for number in range(2):
        stage.world.destroy_behind_our_back(f"5ed15ed15ed1-workers-{number}")
    assert mending(stage, desired).blocked is None
    stage.world.stop_behind_our_back("5ed15ed15ed1-workers-3")
    held = mending(stage, desired)
    assert held.blocked is Reason.APPROVAL_REQUIRED
    assert held.message.startswith("3 of 5 machines are missing or do not serve at the same time, and no more than 2")


def test_what_breaks_again_and_again_is_mended_so_often_within_an_hour(stage) -> None:
    desired = stage.spec(replacement={"repairsPerHour": 2})
    stage.up(desired)
    stage.world.destroy_behind_our_back("5ed15ed15ed1-workers-0")
    minutes = [timedelta(minutes=m) for m in (5, 30, 61)]
    assert mending(stage, desired, minutes[0], minutes[2]).blocked is None
    held = mending(stage, desired, *minutes)
    assert held.blocked is Reason.APPROVAL_REQUIRED
    assert held.message.endswith(
        "mended 2 times within the last hour, and may be 2 times: again after 12:30 UTC, or now"
    )


def test_drift_that_costs_no_machine_is_always_mended(stage) -> None:
    desired = stage.spec()
    stage.up(stage.spec(software=[]))
    assert mending(stage, desired, *[timedelta(minutes=m) for m in range(1, 30)]).blocked is None


# -- the end ----------------------------------------------------------------------------------------------------------


@dataclass
class Busy(Stage):
    """A cluster whose batch system has a job that never ends on its first worker."""

    drained: tuple[str, ...] = ()

    def batch(self, target):
        return self

    def queue(self) -> Queue:
        state = "draining" if self.drained else "busy"
        reason = "hanse: to be taken away" if self.drained else ""
        return Queue(nodes=(BatchNode("sediment-workers-0", state, ("main",), 4, 8192, jobs=("7",), reason=reason),))

    def drain(self, nodes, reason) -> None:
        self.drained = tuple(nodes)


def test_jobs_are_waited_for_as_long_as_the_manifest_says_and_no_longer(tmp_path) -> None:
    stage = Busy(tmp_path)
    desired = stage.spec(software=[{"role": "slurm"}], removal={"drainSeconds": 12})
    stage.up(desired)
    waits, handle = [], ""
    while isinstance(answer := stage.remove(desired, handle), Started) and "drained" in answer.message:
        waits.append(answer.look_again_in)
        handle = answer.handle
        assert len(stage.nodes()) == 3
    assert (stage.drained, waits) == (("sediment-workers-0",), [5, 5, 2])
    assert answer.message == "3 nodes are being deleted"
    stage.world.close_all()
