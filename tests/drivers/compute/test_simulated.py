"""Every knob of the simulated cloud."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.drivers import simulated
from reconciler.drivers.simulated import ManualClock, SimulatedCloud, World
from reconciler.errors import OutcomeUnknown, SettingsError, Terminal, Transient
from reconciler.model import Reason, Target
from reconciler.ports import Image, NodeRequest, Size
from tests.real.waiting import PATIENCE, until

Open = Callable[..., SimulatedCloud]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cloud(tmp_path, clock) -> Iterator[Open]:
    """Opens the one world with the behaviour given."""

    def opened(**simulate: Any) -> SimulatedCloud:
        options = {"state": str(tmp_path), "simulate": simulate}
        return simulated.open(Target("compute:SITE-A/cloud/vo", "simulated", options), clock=clock)

    yield opened
    World.close_all()


def asked(name: str = "n-0", size: str = "small", image: str = "debian-12") -> NodeRequest:
    return NodeRequest(name, Size("", size, 1, 1, 1), Image("", image), metadata={"hanse-uid": "a"})


def outcomes(call: Callable[[int], object], times: int) -> list[str]:
    """What each of some calls came to."""
    found = []
    for n in range(times):
        try:
            call(n)
        except (Transient, Terminal, OutcomeUnknown) as error:
            found.append(type(error).__name__)
        else:
            found.append("done")
    return found


def test_a_node_boots_for_a_while(cloud, clock) -> None:
    compute = cloud(boot_seconds=30)
    assert compute.create(asked()).state == "pending"
    clock.advance(29.9)
    assert compute.nodes().nodes[0].state == "pending"
    clock.advance(0.2)
    assert compute.nodes().nodes[0].state == "running"


def test_a_token_is_given_only_when_nothing_is_under_way(cloud, clock) -> None:
    compute = cloud(boot_seconds=30)
    compute.create(asked())
    assert compute.nodes().token == ""
    clock.advance(31)
    token = compute.nodes().token
    assert compute.nodes(token).unchanged


def test_a_token_of_a_world_that_was_thrown_away_is_worthless(cloud) -> None:
    compute = cloud()
    compute.create(asked())
    token = compute.nodes().token
    for file in compute.world.path.parent.iterdir():
        file.unlink()
    again = cloud()
    again.create(asked())
    assert not again.nodes(token).unchanged


def test_a_node_is_deleted_for_a_while(cloud, clock) -> None:
    compute = cloud(destroy_seconds=10, quota={"instances": 1})
    compute.destroy(compute.create(asked()).id)
    assert compute.nodes().nodes[0].state == "deleting"
    assert compute.quota().instances == 0
    clock.advance(10)
    assert compute.nodes().nodes == ()
    assert compute.quota().instances == 1


def test_a_new_node_is_missing_in_lists_for_a_while(cloud, clock) -> None:
    compute = cloud(invisible_seconds=5)
    compute.create(asked())
    assert compute.nodes().nodes == ()
    clock.advance(5)
    assert len(compute.nodes().nodes) == 1


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        ({"instances": 1}, "instances: requested 1, 0 left"),
        ({"cpus": 5}, "cores: requested 4, 1 left"),
        ({"ram_mib": 10_000}, "ram: requested 8192, 1808 left"),
    ],
)
def test_each_quota_refuses_with_its_numbers(cloud, quota, said) -> None:
    compute = cloud(quota=quota)
    compute.create(asked("n-0", "large"))
    with pytest.raises(Terminal, match=said) as caught:
        compute.create(asked("n-1", "large"))
    assert caught.value.reason is Reason.QUOTA_EXCEEDED
    assert len(compute.world.names()) == 1


def test_no_quota_is_unlimited(cloud) -> None:
    assert (cloud().quota().instances, cloud().quota().cpus) == (None, None)


def test_every_third_create_fails(cloud) -> None:
    compute = cloud(faults=[{"on": "create", "kind": "500", "every": 3}])
    assert outcomes(lambda n: compute.create(asked(f"n-{n}")), 6) == ["done", "done", "Transient"] * 2
    assert len(compute.world.names()) == 4


def test_probable_failures_are_the_same_for_one_seed_and_another_for_the_next(tmp_path) -> None:
    def run(name: str, seed: int) -> list[str]:
        fault = {"on": "create", "kind": "503", "probability": 0.3}
        options = {"state": str(tmp_path / name), "simulate": {"seed": seed, "faults": [fault]}}
        compute = simulated.open(Target("compute:SITE-A/cloud/vo", "simulated", options))
        return outcomes(lambda n: compute.create(asked(f"n-{n}")), 200)

    first = run("a", 1)
    assert run("b", 1) == first
    assert run("c", 2) != first
    assert 40 <= first.count("Transient") <= 80
    World.close_all()


@pytest.mark.parametrize(
    ("kind", "error", "after"),
    [("500", Transient, None), ("503", Transient, 9), ("429", Transient, 9), ("quota", Terminal, None)],
)
def test_refusals_do_nothing(cloud, kind, error, after) -> None:
    compute = cloud(faults=[{"on": "create", "kind": kind, "at": [1], **({"retry_after": after} if after else {})}])
    with pytest.raises(error) as caught:
        compute.create(asked())
    assert getattr(caught.value, "retry_after", None) == after
    assert caught.value.reason is (Reason.QUOTA_EXCEEDED if kind == "quota" else None)
    assert compute.world.names() == []


def test_without_a_host_the_node_is_in_error(cloud) -> None:
    compute = cloud(faults=[{"on": "create", "kind": "no-valid-host", "at": [1]}])
    compute.create(asked())
    (node,) = compute.nodes().nodes
    assert (node.state, node.fault, node.addresses) == ("error", "No valid host was found.", ())


@pytest.mark.parametrize("verb", ["create", "destroy"])
def test_a_lost_reply_hides_what_was_done(cloud, verb) -> None:
    compute = cloud()
    node = compute.create(asked("there"))
    compute = cloud(faults=[{"on": verb, "kind": "lost-reply", "every": 1}])
    with pytest.raises(OutcomeUnknown):
        compute.create(asked("new")) if verb == "create" else compute.destroy(node.id)
    assert compute.world.names() == (["there", "new"] if verb == "create" else [])


def test_a_hanging_call_takes_its_time_and_is_done(cloud, clock) -> None:
    compute = cloud(faults=[{"on": "create", "kind": "hang", "at": [1], "seconds": 90}])
    before = clock.now()
    compute.create(asked())
    assert clock.now() == before + 90
    assert len(compute.world.names()) == 1


def test_a_hanging_call_stops_nobody_else(tmp_path) -> None:
    options = {
        "state": str(tmp_path),
        "simulate": {"faults": [{"on": "create", "kind": "hang", "at": [1], "seconds": 4}]},
    }
    target = Target("compute:SITE-A/cloud/vo", "simulated", options)
    from threading import Thread

    hanging = Thread(target=lambda: simulated.open(target).create(asked()))
    hanging.start()
    until("it hangs", lambda: simulated.open(target).world.calls().get("create"))
    simulated.open(target).create(asked("n-1"))
    assert hanging.is_alive()
    hanging.join()
    World.close_all()


def test_a_partial_list_says_so(cloud) -> None:
    compute = cloud(faults=[{"on": "list", "kind": "partial", "at": [1], "share": 0.5}])
    for n in range(40):
        compute.create(asked(f"n-{n}"))
    part = compute.nodes()
    assert not part.complete
    assert part.token == ""
    assert 5 < len(part.nodes) < 35
    assert compute.nodes().complete


def test_too_many_calls_in_a_second_are_told_when_to_come_back(cloud, clock) -> None:
    compute = cloud(rate_limit=3)
    clock.time = 1000.25
    assert outcomes(lambda _: compute.nodes(), 5) == ["done"] * 3 + ["Transient"] * 2
    with pytest.raises(Transient) as caught:
        compute.nodes()
    assert caught.value.retry_after == 0.75
    clock.advance(0.75)
    compute.nodes()


def test_twice_one_name_is_two_nodes_where_the_cloud_does_not_care(cloud) -> None:
    compute = cloud(duplicate_names=True)
    assert compute.create(asked()).id != compute.create(asked()).id


def test_flavours_and_images_can_be_given(cloud) -> None:
    size = {"name": "odd", "cpus": 3, "ram_mib": 3000, "disk_gib": 7, "gpus": 2}
    compute = cloud(sizes=[size], images=["plan9"])
    (found,) = compute.sizes()
    assert (found.name, found.cpus, found.ram_mib, found.disk_gib, found.gpus) == ("odd", 3, 3000, 7, 2)
    assert [i.name for i in compute.images()] == ["plan9"]
    with pytest.raises(Terminal, match="no flavour is called small"):
        compute.create(asked())


def test_the_catalogue_has_gpus(cloud) -> None:
    assert {s.gpus for s in cloud().sizes()} == {0, 1, 4}


def test_calls_are_counted_by_verb_refused_ones_too(cloud) -> None:
    compute = cloud(faults=[{"on": "create", "kind": "500", "at": [2]}])
    outcomes(lambda n: compute.create(asked(f"n-{n}")), 3)
    compute.nodes()
    assert compute.world.calls() == {"create": 3, "list": 1}


@pytest.mark.parametrize(
    ("simulate", "said"),
    [
        ({"boot_second": 1}, "simulate.boot_second"),
        ({"boot_seconds": -1}, "simulate.boot_seconds"),
        ({"faults": [{"on": "create", "kind": "501"}]}, "simulate.faults.0.kind"),
        ({"quota": {"cpu": 1}}, "simulate.quota.cpu"),
    ],
)
def test_a_wrong_option_is_refused_by_name(cloud, simulate, said) -> None:
    with pytest.raises(SettingsError, match=said):
        cloud(**simulate)


def test_the_back_door(cloud) -> None:
    compute = cloud(quota={"cpus": 20})
    for name in ("gone", "stopped", "broken", "resized"):
        compute.create(asked(name))
    before = compute.world.calls()
    world = World.open(compute.world.path)
    world.destroy_behind_our_back("gone")
    world.stop_behind_our_back("stopped")
    world.break_behind_our_back("broken", "smoke")
    world.resize_behind_our_back("resized", "large", 4, 8192)
    assert world.calls() == before
    there = {n.name: n for n in compute.nodes().nodes}
    assert set(there) == {"stopped", "broken", "resized"}
    assert there["stopped"].state == "stopped"
    assert (there["broken"].state, there["broken"].fault) == ("error", "smoke")
    assert there["resized"].size == "large"
    assert compute.quota().cpus == 20 - 1 - 1 - 4
    with pytest.raises(LookupError, match="nobody"):
        world.destroy_behind_our_back("nobody")


def test_worlds_of_different_targets_are_apart(tmp_path) -> None:
    one, other = (
        simulated.open(Target(f"compute:{name}", "simulated", {"state": str(tmp_path)}))
        for name in ("A/c/vo", "A/c/../../vo")
    )
    one.create(asked())
    assert other.nodes().nodes == ()
    assert {p.parent for p in (one.world.path, other.world.path)} == {tmp_path}
    World.close_all()


def test_a_damaged_file_is_a_matter_for_a_person(tmp_path) -> None:
    target = Target("compute:A/c/vo", "simulated", {"state": str(tmp_path)})
    simulated.world_path(str(tmp_path), target.name).write_bytes(b"not a database" * 1000)
    with pytest.raises(Terminal, match="A\\+c\\+vo"):
        simulated.open(target)


KILLED = """
    import sys, os
    from reconciler.drivers import simulated
    from reconciler.model import Target
    from reconciler.ports import Image, NodeRequest, Size
    cloud = simulated.open(Target("compute:SITE-A/cloud/vo", "simulated", {"state": sys.argv[1]}))
    for n in range(100):
        cloud.create(NodeRequest(f"n-{n}", Size("", "small", 1, 1, 1), Image("", "debian-12")))
    os.kill(os.getpid(), 9)
"""


def test_what_was_made_survives_a_killed_client(cloud, tmp_path) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)], check=False)
    assert len(cloud().world.names()) == 100


def test_processes_share_one_world(tmp_path) -> None:
    """Four clients at once ask for the same names: one node each."""
    code = textwrap.dedent(KILLED).replace("os.kill(os.getpid(), 9)", "")
    clients = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [client.wait(PATIENCE) for client in clients] == [0] * 4
    world = simulated.open(Target("compute:SITE-A/cloud/vo", "simulated", {"state": str(tmp_path)})).world
    assert len(world.names()) == len(set(world.names())) == 100
    assert world.calls()["create"] == 400
    World.close_all()


def test_ten_thousand_nodes_stand(cloud) -> None:
    compute = cloud()
    request = asked()
    for n in range(10_000):
        compute.create(NodeRequest(f"n-{n}", request.size, request.image, metadata=request.metadata))
    assert len(compute.nodes().nodes) == 10_000


def test_traffic_counts_while_a_node_runs_and_begins_anew_with_it(cloud, clock) -> None:
    compute = cloud(boot_seconds=10, received_per_second=100, sent_per_second=3)
    node = compute.create(asked())
    assert compute.traffic([node.id]) == {}
    clock.advance(14)
    assert compute.traffic([node.id, "other"]) == {node.id: (400, 12)}
    compute.world.stop_behind_our_back(node.name)
    assert compute.traffic([node.id]) == {}
    compute.power_on(node.id)
    clock.advance(11)
    assert compute.traffic([node.id]) == {node.id: (100, 3)}
    assert cloud().traffic([node.id]) == {}
