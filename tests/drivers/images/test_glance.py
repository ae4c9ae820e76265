"""What only a real glance does: uploads that break off on the wire, and what it sums."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from reconciler.ports import ImageRequest
from tests.drivers.images.test_contract import UID, asked, own

pytestmark = [pytest.mark.root, pytest.mark.parametrize("cloud", ["openstack"], indirect=True)]


def test_an_upload_that_broke_off_on_the_wire_is_not_taken_for_whole(cloud, shelf):
    request = asked(shelf)
    half = cloud.leave_half(UID, request.appliance.content)
    _break_off(cloud.directly, half, len(shelf.files["one"]))
    images = cloud.images()
    (left,) = own(images)
    assert not (left.state == "active" and left.has(request.appliance.checksums))
    made = images.bring(request)
    whole = [i for i in own(images) if i.has(request.appliance.checksums)]
    assert [i.id for i in whole] == [made.id]
    assert not [i for i in own(images) if i.state in ("empty", "filling")]


def test_what_glance_has_summed_counts_and_not_what_a_property_says(cloud, shelf):
    shelf.put("other", seed=5)
    images, request = cloud.images(), asked(shelf)
    made = images.bring(ImageRequest(UID, "x", shelf.appliance("other"), {}))
    body = [{"op": "replace", "path": "/hanse_content", "value": request.appliance.content}]
    _patch(cloud.directly, made.id, body)
    (seen,) = own(images)
    assert seen.properties["hanse_content"] == request.appliance.content
    assert not seen.has(request.appliance.checksums)


def _token(project) -> str:
    driver = project.libcloud()
    driver.connection._populate_hosts_and_request_paths()
    return driver.connection.auth_token


def _break_off(project, image: str, size: int) -> None:
    """Send half of what was promised, and hang up."""
    where = urlsplit(project.cloud.endpoints["image"])
    with socket.create_connection((where.hostname, where.port), timeout=120) as wire:
        head = (
            f"PUT /v2/images/{image}/file HTTP/1.1\r\nHost: {where.netloc}\r\nX-Auth-Token: {_token(project)}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
        )
        wire.sendall(head.encode() + b"\0" * (size // 2))
    end = time.monotonic() + 60
    time.sleep(1)
    while project.api("GET", "image", f"/v2/images/{image}")["status"] == "saving" and time.monotonic() < end:
        time.sleep(0.5)


def _patch(project, image: str, body: list[dict[str, str]]) -> None:
    import requests

    kind = "application/openstack-images-v2.1-json-patch"
    url = f"{project.cloud.endpoints['image']}/v2/images/{image}"
    headers = {"X-Auth-Token": _token(project), "Content-Type": kind}
    requests.patch(url, json=body, headers=headers, timeout=120).raise_for_status()
