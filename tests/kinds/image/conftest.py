"""A federation of simulated clouds that take images, small enough to be read at a glance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.drivers.simulated import World, world_path
from reconciler.drivers.simulated.images import write
from reconciler.model import Target
from reconciler.ports import Images
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.house import applied, commit, opened, planned, said

NOW = datetime(2026, 11, 1, tzinfo=UTC)
VO = "vo.tides.example.org"


def document(kind: str, name: str, spec: dict[str, Any], namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": metadata, "spec": spec}


def image(name: str = "model", **more: Any) -> dict[str, Any]:
    given = {
        "url": f"https://images.example.org/{name}.raw",
        "checksum": {"sha512": "ab" * 64},
        "format": "raw",
        "version": "1",
        "created": "2026-10-01T00:00:00Z",
        "expires": "2027-06-01T00:00:00Z",
        **more,
    }
    return document("Image", name, {key: value for key, value in given.items() if value is not None})


def vo(*images: str | dict[str, Any], name: str = VO) -> dict[str, Any]:
    return document("VO", name, {"images": [{"name": i} if isinstance(i, str) else i for i in images]})


def site(name: str = "HARBOUR", *vos: str, **more: Any) -> dict[str, Any]:
    shares = [{"vo": one, "projectId": "p"} for one in vos or (VO,)]
    cloud = {
        "name": "quay",
        "driver": "simulated",
        "endpoint": f"https://{name.lower()}.example.org",
        "imageSync": True,
    }
    return document("Site", name, {"clouds": [{**cloud, "shares": shares, **more}]})


def cluster(**machine: Any) -> dict[str, Any]:
    frontend = {"image": "model", "cpus": 1, "ramMiB": 1024, **machine}
    return document("VirtualCluster", "portal", {"vo": VO, "site": "HARBOUR", "frontend": frontend, "workers": []}, "t")


@dataclass
class Tides:
    """What is declared, and what the clouds have."""

    root: Path
    now: datetime = NOW
    settings: str = ""
    opened: list[World] = field(default_factory=list)

    def commit(self, *documents: dict[str, Any]) -> None:
        (self.root / "hanse.toml").write_text(self.settings)
        commit(self.root, {"all.yaml": yaml.safe_dump_all(documents)})

    def apply(self, **more: Any) -> Any:
        return applied(self.root, clock=lambda: self.now, **more)

    def plan(self) -> Any:
        return planned(self.root, clock=lambda: self.now)

    def said(self) -> list[str]:
        return said(self.plan())

    def graph(self) -> Any:
        from reconciler.reconcile import propose

        with opened(self.root, clock=lambda: self.now) as house:
            return propose(house, "HEAD").graph

    def images(self, place: str = f"HARBOUR/quay/{VO}") -> Images:
        state = str(self.root / ".hanse/state/compute")
        return Wired(Settings()).images(Target(f"images:{place}", "simulated", {"state": state}))

    def leave(self, stored: Any, place: str = f"HARBOUR/quay/{VO}") -> None:
        """Put an image there by the back door."""
        with World.open(world_path(str(self.root / ".hanse/state/compute"), place)).write() as db:
            write(db, stored)


@pytest.fixture
def tides(tmp_path: Path):
    root = tmp_path / "federation"
    root.mkdir()
    yield Tides(root)
    World.close_all()
