"""What runs playbooks, in each of its forms. Adding a driver is adding an entry to FLEETS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import ansible, namespace, simulated
from reconciler.drivers.sshkey import own_key
from reconciler.model import Target
from reconciler.ports import Compute, Configure, Host, NodeRequest, RunRequest, RunState
from tests.real.namespaces import need_namespaces, of_world, roots
from tests.real.waiting import until

__all__ = ["roots"]

PLAYBOOKS = Path(__file__).with_name("playbooks")


@dataclass(frozen=True)
class Fleet:
    """Hosts that answer, and what runs playbooks on them."""

    client: Callable[[float], Configure]
    """A new client, as another process would open it; runs take so many seconds."""
    hosts: Sequence[Host]
    dead: Host
    """A host that does not answer."""
    undo: list[Callable[[], None]] = field(default_factory=list)

    def request(self, seconds: float = 0, hosts: Sequence[Host] | None = None, **more: Any) -> RunRequest:
        """A run on all hosts."""
        return RunRequest("wait.yml", self.hosts if hosts is None else hosts, {"seconds": seconds}, **more)


def finished(client: Configure, handle: str) -> RunState:
    """How the run ended."""
    return until("the run ends", lambda: client.poll(handle), lambda run: run.state != "running", seconds=600)


def nodes(compute: Compute, image: str, names: Sequence[str]) -> list[Host]:
    """Running nodes as hosts."""
    size = compute.sizes()[0]
    picture = next(i for i in compute.images() if i.name == image)
    made = [compute.create(NodeRequest(name, size, picture)) for name in names]
    return [Host(node.name, node.addresses[0]) for node in made]


@pytest.fixture(scope="session")
def world(roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[namespace.World]:
    """A world of namespaces, taken away at the end of the session."""
    state = tmp_path_factory.mktemp("namespaces") / "compute"
    options = {"state": str(state), "namespace": {"rootfs": str(roots)}}
    made = namespace.open(Target("compute:SITE-A/cloud", "namespace", options))
    yield made
    made.close_down()
    assert of_world(made) == set()


@pytest.fixture(scope="session")
def hosts(world: namespace.World) -> list[Host]:
    """Three namespace nodes: a front end and two workers."""
    places = [("frontend", 0), ("workers", 0), ("workers", 1)]
    made = nodes(world, "debian-12", [f"aaaaaaaaaaaa-{group}-{n}" for group, n in places])
    hosts = [
        replace(host, groups=(group,), variables={"hanse_group": group, "hanse_ordinal": n})
        for host, (group, n) in zip(made, places, strict=True)
    ]
    probe = ansible.open(Target("compute:SITE-A/cloud", "namespace", {"state": str(world.directory / "probe")}))
    while any(probe.reachable(hosts).values()):
        time.sleep(0.02)
    return hosts


@pytest.fixture
def runs(world: namespace.World, tmp_path: Path) -> Callable[..., ansible.Runs]:
    """Opens what runs this folder's playbooks on the namespace nodes."""

    def opened(**more: Any) -> ansible.Runs:
        options = {"playbooks": str(PLAYBOOKS), "private_key": str(own_key(world.options.state)), **more}
        return ansible.open(
            Target("compute:SITE-A/cloud", "namespace", {"state": str(tmp_path / "configure"), **options})
        )

    return opened


def simulated_fleet(request: pytest.FixtureRequest) -> Fleet:
    path = request.getfixturevalue("tmp_path")
    options = {"state": str(path)}
    target = Target("compute:SITE-A/cloud/vo.example.org", "simulated", options)
    undo: list[Callable[[], None]] = []

    def client(seconds: float) -> simulated.SimulatedCloud:
        made = simulated.open(replace(target, options={**options, "simulate": {"configure_seconds": seconds}}))
        undo.append(made.world.close)
        return made

    there = nodes(client(0), "debian-12", [f"aaaaaaaaaaaa-workers-{n}" for n in range(2)])
    return Fleet(client, there, Host("gone", "198.51.100.1"), undo)


def ansible_fleet(request: pytest.FixtureRequest) -> Fleet:
    need_namespaces()
    hosts = request.getfixturevalue("hosts")[:2]
    runs = request.getfixturevalue("runs")
    return Fleet(lambda _: runs(ansible={"connect_seconds": 30}), hosts, replace(hosts[0], name="gone", port=9))


FLEETS = {"simulated": simulated_fleet, "ansible": ansible_fleet}
MARKED = [pytest.param(name, marks=[pytest.mark.root] if name == "ansible" else []) for name in sorted(FLEETS)]


@pytest.fixture(params=MARKED)
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Each in turn."""
    made = FLEETS[request.param](request)
    yield made
    for undo in made.undo:
        undo()
