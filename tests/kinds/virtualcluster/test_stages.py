"""Nodes, reachable, configured: each step of a cluster's way, and who holds it up."""

from __future__ import annotations

import pytest

from reconciler.model import Done, Failed, Started

ONE = "5ed15ed15ed1-workers-0"


def told(answer) -> dict[str, tuple[str, str]]:
    return {stage.name: (stage.status, stage.reason) for stage in answer.stages}


def statuses(answer) -> str:
    return "".join(stage.status[0] for stage in answer.stages)


def test_the_steps_come_one_after_the_other(stage) -> None:
    stage.simulate = {"boot_seconds": 20, "ssh_seconds": 20, "configure_seconds": 60}
    seen, handle = [], ""
    while isinstance(answer := stage.put(stage.spec(), handle), Started):
        seen.append(statuses(answer))
        handle = answer.handle
        stage.clock.advance(answer.look_again_in)
    assert isinstance(answer, Done)
    assert list(dict.fromkeys([*seen, statuses(answer)])) == ["FFF", "TFF", "TTF", "TTT"]


def test_a_cluster_that_is_up_shows_the_same_when_it_is_looked_at(stage) -> None:
    answer = stage.up(stage.spec())
    assert stage.look(stage.spec()).stages == answer.stages
    assert told(answer) == {
        "Nodes": ("True", "Running"), "Reachable": ("True", "Answered"), "Configured": ("True", "AsWanted")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hurt", "reason"), [("destroy", "Missing"), ("stop", "NotRunning"), ("break", "InError")]
)  # fmt: skip
def test_who_is_lost_stopped_or_broken_is_named(stage, hurt, reason) -> None:
    stage.up(stage.spec())
    more = ("the disk is gone",) if hurt == "break" else ()
    getattr(stage.world, f"{hurt}_behind_our_back")(ONE, *more)
    nodes, reachable, _ = stage.look(stage.spec()).stages
    assert (nodes.status, nodes.reason) == ("False", reason)
    assert ONE in nodes.message
    assert (reachable.status, reachable.reason) == ("False", "NodesNotUp")


def test_a_changed_variable_leaves_all_up_and_configured_otherwise(stage) -> None:
    stage.up(stage.spec())
    desired = stage.spec(software=[{"role": "web", "variables": {"title": "two"}}])
    assert told(stage.look(desired)) == {
        "Nodes": ("True", "Running"), "Reachable": ("Unknown", "NotAsked"), "Configured": ("False", "Otherwise")
    }  # fmt: skip


def test_a_playbook_that_fails_says_so_where_it_belongs(stage) -> None:
    stage.simulate = {"faults": [{"on": "run", "kind": "task", "at": [1]}]}
    answer = stage.follow(stage.put, stage.spec())
    assert isinstance(answer, Failed), answer
    assert told(answer)["Configured"] == ("False", "Failed")
    assert answer.stages[2].message == answer.message
