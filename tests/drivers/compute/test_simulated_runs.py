"""Playbook runs on the simulated cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.drivers import simulated
from reconciler.drivers.simulated import ManualClock, SimulatedCloud, World, configure
from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import Host, Image, NodeRequest, RunRequest, Size

BOOK = "virtualcluster/present.yml"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cloud(tmp_path, clock) -> Iterator[Callable[..., SimulatedCloud]]:
    def opened(**simulate: Any) -> SimulatedCloud:
        options = {"state": str(tmp_path), "simulate": simulate}
        return simulated.open(Target("compute:SITE-A/cloud/vo", "simulated", options), clock=clock)

    yield opened
    World.close_all()


def hosts(cloud: SimulatedCloud, count: int = 2) -> list[Host]:
    made = [
        cloud.create(NodeRequest(f"n-{n}", Size("", "small", 1, 1, 1), Image("", "debian-12"))) for n in range(count)
    ]
    return [Host(node.name, node.addresses[0]) for node in made]


def asked(hosts: list[Host], **variables: Any) -> RunRequest:
    return RunRequest(BOOK, hosts, variables)


def test_a_run_takes_its_time_and_leaves_its_variables(cloud, clock) -> None:
    there = cloud(configure_seconds=60)
    handle = there.start(asked(hosts(there), title="one"))
    assert there.poll(handle).state == "running"
    assert there.world.configured(BOOK) == {}
    clock.advance(60)
    assert there.poll(handle).state == "successful"
    assert there.poll(handle).state == "successful"
    first = there.world.configured(BOOK)
    assert set(first) == {"n-0", "n-1"}
    there.start(asked(hosts(there), title="two"))
    there.poll("run-2")
    clock.advance(60)
    there.poll("run-2")
    assert not set(there.world.configured(BOOK).values()) & set(first.values())


def test_a_run_survives_its_client(cloud, clock) -> None:
    there = cloud(configure_seconds=60)
    handle = there.start(asked(hosts(there)))
    World.close_all()
    clock.advance(60)
    assert cloud().poll(handle).state == "successful"


def test_nothing_is_known_of_a_run_that_never_was(cloud) -> None:
    assert cloud().poll("run-7").state == "lost"


def test_hosts_answer_when_they_have_booted(cloud, clock) -> None:
    there = cloud(boot_seconds=10, ssh_seconds=5)
    nodes = hosts(there, 1)
    assert there.reachable(nodes) == {"n-0": "Connection timed out"}
    clock.advance(10)
    assert there.reachable(nodes) == {"n-0": "Connection refused"}
    clock.advance(5)
    assert there.reachable(nodes) == {"n-0": ""}
    assert there.reachable([Host("x", "192.0.2.1")]) == {"x": "No route to host"}
    assert cloud(any_host=True).reachable([Host("x", "192.0.2.1")]) == {"x": ""}


def test_a_host_that_does_not_answer_fails_the_run(cloud) -> None:
    there = cloud()
    nodes = hosts(there)
    there.world.stop_behind_our_back("n-1")
    run = there.poll(there.start(asked(nodes)))
    assert run.state == "failed"
    assert dict(run.failed_hosts) == {"n-1": "Connection timed out"}
    assert set(there.world.configured(BOOK)) == {"n-0"}


def test_a_host_that_dies_meanwhile_fails_the_run(cloud, clock) -> None:
    there = cloud(configure_seconds=60)
    handle = there.start(asked(hosts(there)))
    there.world.destroy_behind_our_back("n-0")
    clock.advance(60)
    assert dict(there.poll(handle).failed_hosts) == {"n-0": "UNREACHABLE"}


def test_a_failing_task_names_one_host(cloud) -> None:
    there = cloud(faults=[{"on": "run", "kind": "task", "at": [1]}])
    nodes = hosts(there, 5)
    run = there.poll(there.start(asked(nodes)))
    assert run.state == "failed"
    ((host, said),) = run.failed_hosts.items()
    assert host in {n.name for n in nodes}
    assert said.startswith("TASK [")
    assert host in run.message
    assert there.poll(there.start(asked(nodes))).state == "successful"


@pytest.mark.parametrize(("kind", "error"), [("503", Transient), ("lost-reply", OutcomeUnknown)])
def test_a_start_may_fail(cloud, kind, error) -> None:
    there = cloud(faults=[{"on": "run", "kind": kind, "at": [1]}])
    with pytest.raises(error):
        there.start(asked(hosts(there)))


def test_a_run_may_be_lost(cloud) -> None:
    there = cloud(faults=[{"on": "run", "kind": "lost-run", "at": [1]}])
    assert there.poll(there.start(asked(hosts(there)))).state == "lost"


def test_a_cancelled_run_configures_nothing(cloud, clock) -> None:
    there = cloud(configure_seconds=60)
    handle = there.start(asked(hosts(there)))
    there.cancel(handle)
    clock.advance(60)
    assert (there.poll(handle).state, there.poll(handle).message) == ("failed", "cancelled")
    assert there.world.configured(BOOK) == {}


def test_a_new_node_of_the_same_name_is_not_configured(cloud) -> None:
    there = cloud()
    there.poll(there.start(asked(hosts(there))))
    there.world.destroy_behind_our_back("n-0")
    hosts(there, 1)
    assert set(there.world.configured(BOOK)) == {"n-1"}


def test_secrets_are_never_written(cloud) -> None:
    there = cloud()
    request = RunRequest(BOOK, hosts(there), {"port": 80}, secrets={"password": "s3cret-value"})
    there.poll(there.start(request))
    written = b"".join(path.read_bytes() for path in there.world.path.parent.iterdir())
    assert b"s3cret-value" not in written


def test_the_configure_port_is_the_compute_targets_own_cloud(cloud) -> None:
    there = cloud()

    class Drivers:
        def compute(self, target: Target) -> object:
            return there if target.driver == "simulated" else object()

    assert configure.open(Target("compute:SITE-A/cloud/vo", "simulated"), Drivers()) is there
    with pytest.raises(Terminal, match="only a simulated cloud"):
        configure.open(Target("compute:SITE-A/cloud/vo", "namespace"), Drivers())
