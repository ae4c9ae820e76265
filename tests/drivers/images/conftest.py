"""The clouds that the images contract is tried on. Adding a driver is adding an entry to CLOUDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.drivers.simulated import World, world_path
from reconciler.drivers.simulated.images import write
from reconciler.model import Target
from reconciler.ports import Compute, Images, StoredImage
from reconciler.ports.images import CONTENT, OWNER
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.drivers.compute.conftest import Setting
from tests.real.appliances import shelf
from tests.real.openstack import Project, openstack

__all__ = ["openstack", "shelf"]

NAME = "SITE-A/cloud/vo.example.org"


@dataclass(frozen=True)
class Cloud:
    """A cloud under test, seen as its project's users see it."""

    images: Callable[[], Images]
    compute: Callable[[], Compute]
    leave_half: Callable[[str, str], str]
    """Leaves an image of an owner without content, as a killed run would; (owner, content) -> id."""
    leave_filling: Callable[[str, str], str]
    """The same, with its content on its way."""
    scratch: Path
    directly: Project | None = None


def simulated_cloud(setting: Setting) -> Cloud:
    options = {"state": str(setting.path), "simulate": {"fetch_images": True}}
    wired = Wired(Settings(), {})
    path = world_path(str(setting.path), NAME)
    setting.undo.append(World.open(path).close)

    def leave(state: str) -> Callable[[str, str], str]:
        def left(owner: str, content: str) -> str:
            image = StoredImage(f"half-{state}", "half", state, "raw", {OWNER: owner, CONTENT: content})
            with World.open(path).write() as db:
                write(db, image)
            return image.id

        return left

    return Cloud(
        lambda: wired.images(Target(f"images:{NAME}", "simulated", options)),
        lambda: wired.compute(Target(f"compute:{NAME}", "simulated", options)),
        leave("empty"),
        leave("filling"),
        path.parent,
    )


def openstack_cloud(setting: Setting) -> Cloud:
    """A project of its own in the real OpenStack."""
    service = setting.fixture("openstack")
    place = service.project(quota={"instances": 20, "cores": 40, "ram": 102_400})
    project: Project = place.__enter__()
    setting.undo.append(lambda: place.__exit__(None, None, None))
    scratch = setting.path / "scratch"
    options = {
        "endpoint": service.auth_url,
        "auth": "v3password",
        "username": project.credential.username,
        "password": {"env": "HANSE_TEST_PASSWORD"},
        "project_id": project.id,
        "prefer_address": "fixed",
        "image_directory": str(scratch),
        "state": str(setting.path / "compute"),
    }
    wired = Wired(Settings(), {"HANSE_TEST_PASSWORD": project.credential.password})
    setting.undo.append(lambda: emptied(project))

    def leave_half(owner: str, content: str) -> str:
        wanted = {"name": "half", "disk_format": "raw", "container_format": "bare", "visibility": "private"}
        return project.api("POST", "image", "/v2/images", {**wanted, OWNER: owner, CONTENT: content})["id"]

    def leave_filling(owner: str, content: str) -> str:
        """Staged for an import that never comes: glance shows it as ``uploading``."""
        made = leave_half(owner, content)
        stage(project, made, b"half of it")
        return made

    return Cloud(
        lambda: wired.images(Target(f"images:{NAME}", "openstack", options)),
        lambda: wired.compute(Target(f"compute:{NAME}", "openstack", options)),
        leave_half,
        leave_filling,
        scratch,
        project,
    )


def stage(project: Project, image: str, content: bytes) -> None:
    import requests

    driver = project.libcloud()
    driver.connection._populate_hosts_and_request_paths()
    url = f"{project.cloud.endpoints['image']}/v2/images/{image}/stage"
    headers = {"X-Auth-Token": driver.connection.auth_token, "Content-Type": "application/octet-stream"}
    requests.put(url, data=content, headers=headers, timeout=120).raise_for_status()


def emptied(project: Project) -> None:
    """Take the project's images away, hidden ones too."""
    for hidden in ("false", "true"):
        path = f"/v2/images?owner={project.id}&os_hidden={hidden}"
        for image in project.api("GET", "image", path)["images"]:
            project.api("DELETE", "image", f"/v2/images/{image['id']}", ok=(404,))


CLOUDS: dict[str, Callable[[Setting], Cloud]] = {"simulated": simulated_cloud, "openstack": openstack_cloud}
MARKED = [pytest.param(name, marks=[pytest.mark.root] if name == "openstack" else []) for name in sorted(CLOUDS)]


@pytest.fixture(params=MARKED)
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    """Each cloud in turn, empty."""
    setting = Setting(tmp_path, request.getfixturevalue)
    yield CLOUDS[request.param](setting)
    for undo in reversed(setting.undo):
        undo()
