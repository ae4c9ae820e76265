"""Images on the real glance, from a commit to nothing left: hurt from behind, replaced, expired, refused, killed."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
import requests

from tests.kinds.siteimage.conftest import COPY, NOW, VO, document
from tests.real.waiting import PATIENCE, until

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]


def test_an_endorsed_image_comes_to_the_vos_project_and_a_second_run_writes_nothing(harbour):
    harbour.commit()
    wanted = ("Image/model", f"VO/{VO}", "Site/HARBOUR", COPY)
    assert set(harbour.said()) == {f"create {ref} New" for ref in wanted}
    assert not harbour.apply().failed
    (image,) = harbour.images()
    assert (image["name"], image["status"], image["visibility"]) == ("model", "active", "private")
    assert (image["min_disk"], image["min_ram"], image["os_distro"]) == (1, 64, "debian")
    assert (image["hw_disk_bus"], image["hanse_version"]) == ("virtio", "1")
    assert image["ad:mpuri"] == "https://registry.example.org/model"
    assert image["os_hash_value"] == harbour.image["checksum"]["sha512"]
    assert harbour.settled()
    assert harbour.proxy.count() <= 4, [f"{c.method} {c.service} {c.path}" for c in harbour.proxy.calls]
    assert not list((harbour.root.parent / "scratch").iterdir())


def test_what_is_changed_by_hand_is_mended_without_an_upload_and_what_is_deleted_comes_back(harbour):
    harbour.commit()
    harbour.apply()
    (image,) = harbour.images()
    patch = [
        {"op": "replace", "path": "/os_version", "value": "11"},
        {"op": "replace", "path": "/name", "value": "mine"},
        {"op": "remove", "path": "/hw_disk_bus"},
        {"op": "replace", "path": "/hanse_content", "value": "sha512:00"},
    ]
    headers = "application/openstack-images-v2.1-json-patch"
    _patch(harbour, image["id"], patch, headers)
    (action,) = harbour.plan().actions
    assert (action.verb, action.reason) == ("update", "DriftDetected")
    paths = {change.path for change in action.changes}
    assert paths == {"spec.system.version", "spec.image", "spec.properties.hw_disk_bus"}
    harbour.proxy.reset()
    harbour.apply()
    assert not [c for c in harbour.proxy.writes() if c.path.endswith("/file")]
    (mended,) = harbour.images()
    assert (mended["id"], mended["name"], mended["os_version"]) == (image["id"], "model", "12")
    assert harbour.settled()

    harbour.project.api("DELETE", "image", f"/v2/images/{image['id']}")
    assert harbour.said() == [f"create {COPY} Vanished"]
    harbour.apply()
    assert [i["status"] for i in harbour.images()] == ["active"]
    assert harbour.settled()


def test_a_new_version_is_uploaded_first_and_the_former_one_stays_hidden_while_a_machine_uses_it(harbour):
    harbour.commit()
    harbour.apply()
    (old,) = harbour.images()
    server = _server(harbour, old["id"])
    harbour.offer("two", "2")
    harbour.commit()
    harbour.proxy.reset()
    assert not harbour.apply().failed
    writes = [(c.method, c.path.rpartition("/")[2]) for c in harbour.proxy.writes() if c.service == "image"]
    assert writes.index(("PUT", "file")) < writes.index(("PATCH", old["id"]))
    assert ("DELETE", old["id"]) not in writes
    assert [(i["hanse_version"], i["os_hidden"]) for i in harbour.images()] == [("2", False), ("1", True)]
    assert harbour.settled(), "it waits for the machine and is no drift"
    _gone(harbour, server)
    (action,) = harbour.plan().actions
    assert action.changes[0].path.startswith("spec.leftovers")
    harbour.apply()
    (new,) = harbour.images()
    assert (new["hanse_version"], new["os_hash_value"]) == ("2", harbour.image["checksum"]["sha512"])
    assert harbour.settled()


def test_an_expired_image_is_withdrawn_with_the_reason_and_comes_back_when_renewed(harbour):
    harbour.commit()
    harbour.apply()
    harbour.now = NOW + timedelta(days=200)
    assert harbour.settled()
    assert [w for w in harbour.plan().warnings if "expires on 2027-06-01" in w]
    harbour.now = NOW + timedelta(days=300)
    plan = harbour.plan()
    actions = {a.ref: a for a in plan.actions}
    assert {a.verb for a in plan.actions} == {"update"}
    changed = {c.path: c.after for c in actions[COPY].changes}
    assert changed["spec.withdrawn"] == "it expired on 2027-06-01"
    harbour.apply()
    assert harbour.images() == []
    assert harbour.settled()
    harbour.commit(created="2027-08-01T00:00:00Z", expires="2028-07-31T00:00:00Z")
    harbour.apply(until_quiet=True)
    assert [i["status"] for i in harbour.images()] == ["active"]
    assert harbour.settled()


def test_what_git_no_longer_wants_and_a_machine_uses_is_hidden_and_stays(harbour):
    harbour.commit()
    harbour.apply()
    (image,) = harbour.images()
    server = _server(harbour, image["id"])
    harbour.commit(endorsed=False)
    (failed,) = harbour.apply().failed
    assert failed.reason == "DeletionBlocked"
    assert "in use by 1 machine(s)" in failed.message
    assert [i["os_hidden"] for i in harbour.images()] == [True]
    _gone(harbour, server)
    assert not harbour.apply().failed
    assert harbour.images() == []


@pytest.mark.parametrize(("status", "reason"), [(413, "QuotaExceeded"), (503, "TargetUnreachable")])
def test_a_glance_that_refuses_the_upload_is_told_of_and_nothing_half_made_is_left(harbour, status, reason):
    harbour.commit()
    with harbour.proxy.fault("refuse", "image", "PUT", "/file$", times=50, status=status):
        (failed,) = harbour.apply().failed
    assert failed.reason == reason
    assert str(status) in failed.message
    assert harbour.images() == []
    assert not harbour.apply().failed
    assert len(harbour.images()) == 1
    assert harbour.settled()


@pytest.mark.parametrize(("method", "path"), [("POST", "/v2/images$"), ("PUT", "/file$")])
def test_a_lost_answer_makes_no_second_image(harbour, method, path):
    harbour.commit()
    with harbour.proxy.fault("lose", "image", method, path):
        assert not harbour.apply(until_quiet=True).failed
    assert [i["status"] for i in harbour.images()] == ["active"]
    assert harbour.settled()


def test_a_damaged_download_uploads_nothing_and_says_what_came(harbour):
    harbour.commit()
    harbour.shelf.put("one", seed=77)
    (failed,) = harbour.apply().failed
    assert "nothing was uploaded" in failed.message
    assert harbour.images() == []
    harbour.shelf.put("one", seed=0)
    assert not harbour.apply().failed
    assert harbour.settled()


def test_a_killed_upload_is_taken_up_and_never_doubled(harbour):
    harbour.offer("big", size=8 << 20)
    harbour.commit()
    with harbour.proxy.fault("hang", "image", "PUT", "/file$") as fault, harbour.cli("apply") as killed:
        assert fault.struck.wait(2 * PATIENCE)
        os.killpg(killed.pid, signal.SIGKILL)
    (half,) = harbour.images()
    assert half["status"] == "queued"
    with harbour.cli("apply") as process:
        told = process.communicate(timeout=900)[0]
    assert process.returncode == 0, told
    assert [(i["id"], i["status"]) for i in harbour.images()] == [(half["id"], "active")]
    assert harbour.settled()


def test_a_cluster_waits_for_its_image_and_goes_before_it(harbour):
    machine = {"image": "model", "flavour": "m1.tiny"}
    spec = {"vo": VO, "site": "HARBOUR", "frontend": machine, "workers": []}
    harbour.more = [document("VirtualCluster", "portal", spec, "tides")]
    harbour.commit()
    plan = harbour.plan()
    cluster = next(a for a in plan.actions if a.ref == "VirtualCluster/tides/portal")
    assert COPY in cluster.waits_for
    harbour.shelf.busy.add("one")
    report = harbour.apply()
    deferred = next(o for o in report.outcomes if o.action.ref == cluster.ref)
    assert (deferred.state, deferred.blocker) == ("deferred", COPY)
    harbour.shelf.busy.clear()
    report = harbour.apply()
    made = next(o for o in report.outcomes if o.action.ref == cluster.ref)
    assert made.state == "done", made.message
    harbour.more = []
    harbour.commit(endorsed=False)
    assert not harbour.apply(until_quiet=True).failed
    assert harbour.images() == []
    assert harbour.project.servers() == []


def _patch(harbour, image, patch, kind):
    driver = harbour.project.libcloud()
    driver.connection._populate_hosts_and_request_paths()
    headers = {"X-Auth-Token": driver.connection.auth_token, "Content-Type": kind}
    url = f"{harbour.project.cloud.endpoints['image']}/v2/images/{image}"
    requests.patch(url, json=patch, headers=headers, timeout=PATIENCE).raise_for_status()


def _server(harbour, image: str) -> str:
    """A machine that somebody else has made from the image."""
    flavour = next(
        f["id"] for f in harbour.project.api("GET", "compute", "/flavors")["flavors"] if f["name"] == "m1.tiny"
    )
    wanted = {"name": "guest", "imageRef": image, "flavorRef": flavour}
    made = harbour.project.api("POST", "compute", "/servers", {"server": {**wanted, "networks": _network(harbour)}})
    return made["server"]["id"]


def _network(harbour) -> list[dict[str, str]]:
    found = harbour.project.api("GET", "network", "/v2.0/networks?shared=true")["networks"]
    return [{"uuid": next(n["id"] for n in found if not n["router:external"])}]


def _gone(harbour, server: str) -> None:
    harbour.project.api("DELETE", "compute", f"/servers/{server}", ok=(404,))
    until("the server is gone", lambda: server not in [s["id"] for s in harbour.project.servers()], every=0.3)
