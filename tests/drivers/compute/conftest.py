"""The clouds that the compute contract is tried on. Adding a driver is adding an entry to CLOUDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import ec2 as ec2_driver
from reconciler.drivers import namespace, simulated
from reconciler.drivers import openstack as openstack_driver
from reconciler.drivers.simulated import World
from reconciler.model import Target
from reconciler.ports import Compute
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.real.ec2 import SECRET, ec2
from tests.real.namespaces import need_namespaces, roots
from tests.real.openstack import openstack

__all__ = ["ec2", "openstack", "roots"]


@dataclass(frozen=True)
class Cloud:
    """A cloud under test. ``client`` opens a new client of the same project, as another process would."""

    client: Callable[[], Compute]
    capabilities: frozenset[str] = frozenset()
    """Of: token (nodes() answers unchanged), power (nodes can be stopped and started), quota, publish (there are
    public addresses), floating (they outlive the node that has them)."""
    image: str = "debian-12"
    stop: Callable[[str], None] | None = None
    """Shuts the named node off behind the driver's back; for clouds with ``power``."""


@dataclass
class Setting:
    """What a cloud's maker may use."""

    path: Path
    fixture: Callable[[str], Any]
    """A fixture by its name."""
    undo: list[Callable[[], None]] = field(default_factory=list)


def simulated_cloud(setting: Setting) -> Cloud:
    options = {"state": str(setting.path), "simulate": {"boot_seconds": 0.05, "quota": {"instances": 50}}}
    target = Target("compute:SITE-A/cloud/vo.example.org", "simulated", options)
    path = simulated.world_path(str(setting.path), target.name)

    def client() -> simulated.SimulatedCloud:
        world = World(path)
        setting.undo.append(world.close)
        return simulated.SimulatedCloud(world, simulated.simulate_of(options), simulated.RealClock())

    stop = client().world.stop_behind_our_back
    return Cloud(client, frozenset({"token", "power", "quota", "publish", "floating"}), stop=stop)


def namespace_cloud(setting: Setting) -> Cloud:
    need_namespaces()
    roots = setting.fixture("roots")
    options = {
        "state": str(setting.path / "compute"),
        "namespace": {"rootfs": str(roots), "quota": {"instances": 50}},
    }
    target = Target("compute:SITE-A/cloud/vo.example.org", "namespace", options)

    def stop(name: str) -> None:
        world = namespace.open(target)
        world.stop(next(n.id for n in world.nodes().nodes if n.name == name))

    setting.undo.append(namespace.open(target).close_down)
    return Cloud(lambda: namespace.open(target), frozenset({"power", "quota", "publish"}), stop=stop)


def ec2_cloud(setting: Setting) -> Cloud:
    """A subnet whose machines have no public address of their own."""
    service = setting.fixture("ec2")
    service.empty()
    driver = service.driver()
    network = driver.ex_create_network("10.9.0.0/16")
    subnet = driver.ex_create_subnet(network.id, "10.9.0.0/24", "eu-west-1a")
    more = {"images": {"debian-12": service.image}, "networks": [subnet.id], "state": str(setting.path / "compute")}
    target = Target("compute:SITE-A/cloud/vo.example.org", "ec2", {**service.options, **more})
    wired = Wired(Settings(), {"HANSE_TEST_SECRET": SECRET})

    def stop(name: str) -> None:
        driver.stop_node(next(n for n in driver.list_nodes() if n.name == name))

    return Cloud(lambda: ec2_driver.open(target, wired), frozenset({"power", "publish", "floating"}), stop=stop)


def openstack_cloud(setting: Setting) -> Cloud:
    """A project of its own in the real OpenStack."""
    service = setting.fixture("openstack")
    place = service.project(quota={"instances": 20, "cores": 40, "ram": 102_400})
    project = place.__enter__()
    setting.undo.append(lambda: place.__exit__(None, None, None))
    options = {
        "endpoint": service.auth_url,
        "auth": "v3password",
        "username": project.credential.username,
        "password": {"env": "HANSE_TEST_PASSWORD"},
        "project_id": project.id,
        "prefer_address": "fixed",
        "state": str(setting.path / "compute"),
    }
    target = Target("compute:SITE-A/cloud/vo.example.org", "openstack", options)
    wired = Wired(Settings(), {"HANSE_TEST_PASSWORD": project.credential.password})

    def stop(name: str) -> None:
        service.stop_server(next(s["id"] for s in project.servers() if s["name"] == name))

    return Cloud(
        lambda: openstack_driver.open(target, wired),
        frozenset({"power", "publish", "floating", "quota"}),
        stop=stop,
    )


CLOUDS: dict[str, Callable[[Setting], Cloud]] = {
    "simulated": simulated_cloud,
    "namespace": namespace_cloud,
    "ec2": ec2_cloud,
    "openstack": openstack_cloud,
}
MARKED = [
    pytest.param(name, marks=[pytest.mark.root] if name in ("namespace", "openstack") else [])
    for name in sorted(CLOUDS)
]


@pytest.fixture(params=MARKED)
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    """Each cloud in turn, empty."""
    setting = Setting(tmp_path, request.getfixturevalue)
    yield CLOUDS[request.param](setting)
    for undo in reversed(setting.undo):
        undo()
