"""A federation with one site whose real glance takes images, and a shelf that they come from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.drivers.images.conftest import emptied
from tests.house import applied, commit, planned, said
from tests.real.appliances import Shelf, shelf
from tests.real.openstack import Cloud, Project, Proxy, openstack

__all__ = ["openstack", "shelf"]

VO = "vo.tides.example.org"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
COPY = f"SiteImage/HARBOUR.quay.{VO}.model"


@dataclass
class Harbour:
    """What is declared, and the project in which it should stand."""

    root: Path
    project: Project
    proxy: Proxy
    shelf: Shelf
    now: datetime = NOW
    image: dict[str, Any] = field(default_factory=dict)
    more: list[dict[str, Any]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"PASSWORD": self.project.credential.password}

    def offer(self, path: str = "one", version: str = "1", size: int = 65536) -> None:
        """Put an image on the shelf, to be declared as that version."""
        if path not in self.shelf.files:
            self.shelf.put(path, size, seed=len(self.shelf.files))
        appliance = self.shelf.appliance(path)
        self.image = {
            "url": appliance.url,
            "checksum": dict(c.split(":") for c in appliance.checksums),
            "sizeBytes": appliance.size,
            "format": "raw",
            "system": {"type": "linux", "distribution": "debian", "version": "12", "architecture": "x86_64"},
            "minimum": {"memoryMiB": 64, "diskGiB": 1},
            "version": version,
            "created": "2026-10-01T00:00:00Z",
            "expires": "2027-06-01T00:00:00Z",
            "identifier": "https://registry.example.org/model",
            "properties": {"hw_disk_bus": "virtio"},
        }

    def commit(self, *, image: bool = True, endorsed: bool = True, sync: bool = True, **changes: Any) -> None:
        """Declare the VO, the site and the image, with ``changes`` of the image."""
        share = {"vo": VO, "projectId": self.project.id}
        cloud = {"name": "quay", "driver": "openstack", "endpoint": self.proxy.auth_url, "region": "RegionOne"}
        documents = [
            document("VO", VO, {"images": [{"name": "model"}] if endorsed else []}),
            document("Site", "HARBOUR", {"clouds": [{**cloud, "imageSync": sync, "shares": [share]}]}),
            *([document("Image", "model", {**self.image, **changes})] if image else []),
            *self.more,
        ]
        commit(self.root, {"all.yaml": yaml.safe_dump_all(documents)})

    def apply(self, **more: Any) -> Any:
        return applied(self.root, environment=self.environment, clock=lambda: self.now, **more)

    def plan(self) -> Any:
        return planned(self.root, environment=self.environment, clock=lambda: self.now)

    def said(self) -> list[str]:
        return said(self.plan())

    def settled(self) -> bool:
        """Nothing is left to do, and looking so wrote nothing."""
        self.proxy.reset()
        return self.said() == [] and not self.proxy.writes()

    def images(self) -> list[dict[str, Any]]:
        """The project's images as glance shows them, hidden ones last."""
        paths = [f"/v2/images?owner={self.project.id}&os_hidden={hidden}" for hidden in ("false", "true")]
        return [image for path in paths for image in self.project.api("GET", "image", path)["images"]]

    def cli(self, *words: str) -> subprocess.Popen[str]:
        surroundings = {**os.environ, **self.environment}
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler.cli", *words], cwd=self.root, env=surroundings, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def document(kind: str, name: str, spec: dict[str, Any], namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.fixture
def harbour(openstack: Cloud, tmp_path: Path, shelf: Shelf) -> Iterator[Harbour]:
    root = tmp_path / "federation"
    with openstack.project(vo="vo.place.example.org") as project, openstack.proxy() as proxy:
        root.mkdir()
        (root / "hanse.toml").write_text(
            '[run]\nlease_seconds = 30\n[targets."compute:*"]\nauth = "password"\nprefer_address = "fixed"\n'
            f'username = "{project.credential.username}"\npassword = {{env = "PASSWORD"}}\n'
            f'image_directory = "{tmp_path / "scratch"}"\n'
        )
        made = Harbour(root, project, proxy, shelf)
        made.offer()
        yield made
        project.empty()
        emptied(project)
