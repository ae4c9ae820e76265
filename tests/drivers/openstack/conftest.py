"""What the tests of the OpenStack driver share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import openstack as driver
from reconciler.drivers.openstack import OpenStack
from reconciler.model import Target
from reconciler.ports import Node, NodeRequest
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.drivers.openstack.issuer import issuer
from tests.real.namespaces import roots
from tests.real.openstack import Cloud, Project, Proxy, openstack
from tests.real.waiting import until

__all__ = ["issuer", "openstack", "roots"]

OWNER = "a" * 32


@dataclass
class Place:
    """A project of a test's own behind a front door of its own, and drivers for it."""

    cloud: Cloud
    project: Project
    proxy: Proxy
    state: Path
    secrets: dict[str, str] = field(default_factory=dict)

    def options(self, **more: Any) -> dict[str, Any]:
        """By password, by way of the proxy; ``None`` takes an option away."""
        given = {
            "endpoint": self.proxy.auth_url,
            "auth": "password",
            "username": self.project.credential.username,
            "password": {"env": "PASSWORD"},
            "project_id": self.project.id,
            "prefer_address": "fixed",
            "state": str(self.state),
            **more,
        }
        return {name: value for name, value in given.items() if value is not None}

    def driver(self, **more: Any) -> OpenStack:
        """A new client, logged in by nobody yet."""
        wired = Wired(Settings(), {"PASSWORD": self.project.credential.password, **self.secrets})
        self._wired.append(wired)
        return driver.open(Target("compute:SITE/cloud/vo", "openstack", self.options(**more)), wired)

    def federated(self, token: str, **more: Any) -> OpenStack:
        """A new client with an access token."""
        self.secrets["TOKEN"] = token
        less = {"auth": None, "username": None, "password": None}
        return self.driver(**{**less, "access_token": {"env": "TOKEN"}, **more})

    def __post_init__(self) -> None:
        self._wired: list[Wired] = []


@pytest.fixture
def place(openstack: Cloud, tmp_path: Path) -> Iterator[Place]:
    """An empty project that the VO's members may use too."""
    with openstack.project(vo="vo.place.example.org") as project, openstack.proxy() as proxy:
        yield Place(openstack, project, proxy, tmp_path / "state" / "compute")


def asked(compute: OpenStack, number: int = 0, size: str = "m1.tiny", owner: str = OWNER) -> NodeRequest:
    """A request for one worker."""
    flavour = next(s for s in compute.sizes() if s.name == size)
    image = next(i for i in compute.images() if i.name == "debian-12")
    return NodeRequest(
        f"{owner[:12]}-workers-{number}",
        flavour,
        image,
        security_ports=("22/tcp", "6000-6010/udp"),
        metadata={"hanse-uid": owner},
        owner=owner,
        note="compute:SITE/cloud/vo VirtualCluster/a/b",
    )


def settled(compute: OpenStack, right: Callable[[dict[str, Node]], bool]) -> dict[str, Node]:
    """The nodes by their names, once they are as wanted."""
    return until("nodes as wanted", lambda: {node.name: node for node in compute.nodes().nodes}, right, every=0.3)
