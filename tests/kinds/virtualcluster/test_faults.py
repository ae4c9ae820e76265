"""A cluster on a cloud that refuses, loses answers, hides nodes and dies under it: in the end exactly what was wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from reconciler.kinds.virtualcluster import KIND
from reconciler.model import Done, Failed, Started, Wanted, encode
from tests.real.waiting import until

FRONT, ONE, TWO = (f"5ed15ed15ed1-{place}" for place in ("frontend-0", "workers-0", "workers-1"))


def persist(stage, desired, attempts: int = 20):
    """As the executor does: ask on, and try again after what may pass."""
    for _ in range(attempts):
        answer = stage.up(desired)
        if not (isinstance(answer, Failed) and answer.fate == "transient"):
            return answer
        stage.clock.advance(answer.retry_after or 1.0)
    return answer


@pytest.mark.parametrize("invisible", [0, 3])
def test_lost_replies_give_no_duplicate(stage, invisible) -> None:
    """Even on a cloud that makes two nodes of one name when asked twice."""
    lost = [{"on": verb, "kind": "lost-reply", "probability": 0.5} for verb in ("create", "destroy", "run")]
    stage.simulate = {"duplicate_names": True, "invisible_seconds": invisible, "faults": lost, "boot_seconds": 5}
    desired = stage.spec(workers=stage.workers(10))
    assert isinstance(persist(stage, desired), Done)
    stage.clock.advance(60)
    names = stage.world.names()
    assert len(names) == len(set(names)) == 11
    assert stage.world.calls()["create"] == 11
    assert stage.look(desired).digest == desired.digest()
    assert isinstance(persist(stage, stage.spec(workers=stage.workers(2))), Done)
    assert sorted(stage.nodes()) == [FRONT, ONE, TWO]


def test_a_duplicate_made_by_a_crash_at_the_wrong_moment_goes_again(stage) -> None:
    stage.simulate = {"duplicate_names": True, "invisible_seconds": 1000}
    desired = stage.spec()
    assert isinstance(stage.put(desired), Done)
    assert isinstance(stage.put(desired), Done)
    stage.clock.advance(2000)
    assert len(stage.world.names()) == 6
    stage.applied = desired
    assert stage.look(desired).digest != desired.digest()
    assert isinstance(stage.up(desired), Done)
    assert sorted(stage.world.names()) == [FRONT, ONE, TWO]
    assert stage.look(desired).digest == desired.digest()


@pytest.mark.parametrize("kind", ["500", "503", "429"])
def test_refusals_that_pass_are_outlived(stage, kind) -> None:
    verbs = ("create", "mark", "run", "poll", "reachable", "quota")
    stage.simulate = {"faults": [{"on": v, "kind": kind, "every": 3, "retry_after": 7} for v in verbs]}
    desired = stage.spec(workers=stage.workers(4))
    assert isinstance(persist(stage, desired), Done)
    assert len(stage.nodes()) == 5
    assert stage.look(desired).digest == desired.digest()


def test_retry_after_is_handed_on(stage) -> None:
    stage.simulate = {"faults": [{"on": "create", "kind": "429", "at": [1, 3], "retry_after": 42}]}
    first = stage.put(stage.spec())
    assert isinstance(first, Failed)
    assert (first.fate, first.retry_after) == ("transient", 42)
    second = stage.put(stage.spec())
    assert isinstance(second, Started)
    assert second.look_again_in == 42


def test_nodes_that_come_up_in_error_are_made_again(stage) -> None:
    stage.simulate = {"faults": [{"on": "create", "kind": "no-valid-host", "every": 2}], "boot_seconds": 1}
    desired = stage.spec(workers=stage.workers(4))
    assert isinstance(persist(stage, desired), Done)
    assert {n.state for n in stage.nodes().values()} == {"running"}
    assert len(stage.world.names()) == 5


def test_a_node_that_never_comes_up_fails_with_its_cause(stage) -> None:
    stage.simulate = {"faults": [{"on": "create", "kind": "no-valid-host", "every": 1}], "boot_seconds": 1}
    answer = stage.up(stage.spec())
    assert isinstance(answer, Failed)
    assert answer.fate == "transient"
    assert "No valid host was found" in answer.message
    assert FRONT in answer.message


def test_a_failed_playbook_names_host_and_task_and_is_run_again(stage) -> None:
    stage.simulate = {"faults": [{"on": "run", "kind": "task", "at": [1]}]}
    desired = stage.spec()
    answer = stage.up(desired)
    assert isinstance(answer, Failed)
    assert answer.fate == "transient"
    assert "5ed15ed15ed1-" in answer.message
    assert "TASK [" in answer.message
    stage.applied = None
    assert stage.look(desired).spec.frontend.count == 0
    assert isinstance(stage.up(desired), Done)
    assert stage.world.calls()["run"] == 2


def test_a_lost_run_is_started_again(stage) -> None:
    stage.simulate = {"faults": [{"on": "run", "kind": "lost-run", "at": [1]}], "configure_seconds": 10}
    assert isinstance(stage.up(stage.spec()), Done)
    assert stage.world.calls()["run"] == 2


def test_a_node_lost_while_it_is_being_configured_is_made_again(stage) -> None:
    stage.simulate = {"configure_seconds": 60}
    desired = stage.spec()
    started = stage.put(desired)
    stage.world.destroy_behind_our_back(TWO)
    stage.clock.advance(120)
    handle, answer = started.handle, started
    while isinstance(answer, Started):
        answer = stage.put(desired, handle)
        handle = getattr(answer, "handle", "")
        stage.clock.advance(20)
    assert isinstance(persist(stage, desired), Done)
    assert sorted(stage.nodes()) == [FRONT, ONE, TWO]
    assert stage.look(desired).digest == desired.digest()


def test_git_may_move_while_it_is_being_configured(stage) -> None:
    stage.simulate = {"configure_seconds": 60}
    started = stage.put(stage.spec())
    stage.clock.advance(120)
    desired = stage.spec(software=[{"role": "web", "variables": {"title": "two"}}])
    answer = stage.put(desired, started.handle)
    assert isinstance(answer, Started)
    assert isinstance(stage.up(desired), Done)
    assert stage.look(desired).digest == desired.digest()


def test_a_handle_that_is_not_understood_loses_nothing(stage) -> None:
    desired = stage.spec()
    assert isinstance(stage.put(desired, "from another version"), Done)
    assert isinstance(stage.put(desired, '{"unknown":1}'), Done)


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_on_a_bad_day(stage, seed) -> None:
    stage.simulate = {
        "seed": seed, "duplicate_names": True, "boot_seconds": 8, "ssh_seconds": 4, "configure_seconds": 20,
        "destroy_seconds": 5, "invisible_seconds": 2,
        "faults": [
            {"on": "create", "kind": "lost-reply", "probability": 0.15},
            {"on": "create", "kind": "no-valid-host", "probability": 0.15},
            {"on": "create", "kind": "500", "probability": 0.1},
            {"on": "list", "kind": "partial", "probability": 0.2},
            {"on": "list", "kind": "503", "probability": 0.1, "retry_after": 1},
            {"on": "run", "kind": "task", "probability": 0.2},
            {"on": "poll", "kind": "500", "probability": 0.2},
            {"on": "mark", "kind": "lost-reply", "probability": 0.1},
            {"on": "destroy", "kind": "lost-reply", "probability": 0.2},
        ],
    }  # fmt: skip
    desired = stage.spec(workers=stage.workers(8))

    def settled(ask) -> bool:
        for _ in range(60):
            try:
                answer = stage.follow(ask, desired)
            except Exception as error:  # noqa: BLE001
                assert type(error).__name__ == "Transient"
                continue
            if isinstance(answer, Done):
                return True
            stage.clock.advance(5)
        return False

    assert settled(stage.put)
    stage.simulate = {**stage.simulate, "faults": []}
    stage.clock.advance(60)
    stage.up(desired)
    stage.clock.advance(60)
    assert len(stage.world.names()) == len(set(stage.world.names())) == 9
    assert stage.look(desired).digest == desired.digest()
    assert settled(stage.remove)
    stage.clock.advance(60)
    assert stage.gone(desired)


KILLED = """
    import sys
    from reconciler.drivers import simulated
    from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
    from reconciler.model import Change, Ref, Target

    class Drivers:
        def compute(self, target):
            return simulated.open(target)
        configure = compute

    hang = {"on": "create", "kind": "hang", "at": [9], "seconds": 600}
    target = Target("compute:SITE-A/cloud/vo.example.org", "simulated", {"state": sys.argv[1], "simulate": {"faults": [hang]}})
    spec = VirtualClusterSpec.model_validate_json(sys.argv[2])
    KIND.put(target, [Change(Ref("VirtualCluster/tides/sediment"), "5ed1" * 8, 1, spec)], Drivers())
"""


def test_killed_after_eight_of_twenty_the_next_run_makes_exactly_twenty(stage) -> None:
    desired = stage.spec(workers=stage.workers(19))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(stage.path), desired.canonical().decode()]
    client = subprocess.Popen(command, start_new_session=True)
    try:
        until("eight are made", stage.world.names, lambda names: len(names) >= 8)
    finally:
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
    assert len(stage.world.names()) == 8
    stage.simulate = {"duplicate_names": True}
    stage.clock.time = time.time() + 1
    before = stage.world.calls()["create"]
    assert isinstance(stage.up(desired), Done)
    assert len(stage.world.names()) == len(set(stage.world.names())) == 20
    assert stage.world.calls()["create"] - before == 12
    assert stage.look(desired).digest == desired.digest()


def test_removal_of_a_half_rolled_cluster_is_seen_alike_twice(stage) -> None:
    """The manifest goes while workers are being replaced: apply looks again with what the plan saw."""
    stage.up(stage.spec(workers=stage.workers(8)))
    stage.simulate = {"boot_seconds": 30}
    changed = stage.spec(workers=stage.workers(8, image="debian-13"))
    started = stage.put(changed)
    stage.clock.advance(60)
    stage.put(changed, started.handle)
    stage.clock.advance(60)
    stage.put(changed, started.handle)
    applied = stage.applied
    seen = KIND.observe(stage.target, [Wanted(stage.ref, stage.uid, applied, applied)], stage).results[stage.ref]
    again = KIND.observe(stage.target, [Wanted(stage.ref, stage.uid, seen.spec, seen.spec)], stage).results[stage.ref]
    assert {n.image for n in stage.nodes().values()} == {"debian-12", "debian-13"}
    assert again.digest == seen.digest
    assert encode(orjson_of(again)) == encode(orjson_of(seen))


def orjson_of(seen) -> object:
    return seen.spec.model_dump(mode="json")
