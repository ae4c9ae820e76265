"""Clusters on the real OpenStack, from a commit to nothing left: killed on the way, hurt from behind, taken away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drivers.openstack.conftest import Place
from tests.house import commit
from tests.real.waiting import PATIENCE

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

SETTINGS = """\
[run]
lease_seconds = 3

[targets."compute:*"]
auth = "password"
username = "{user}"
password = {{env = "PASSWORD"}}
prefer_address = "fixed"
"""
SITE = """\
apiVersion: hanse/v1
kind: VO
metadata: {{name: vo.tides.example.org}}
spec: {{description: Tide gauges}}
---
apiVersion: hanse/v1
kind: Site
metadata: {{name: HARBOUR}}
spec:
  country: DE
  contacts: {{email: operations@harbour.example.org}}
  clouds:
    - name: quay
      driver: openstack
      endpoint: {endpoint}
      region: RegionOne
      shares:
        - {{vo: vo.tides.example.org, projectId: {project}}}
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: portal, namespace: tides}}
spec:
  vo: vo.tides.example.org
  site: HARBOUR
  frontend: {{image: debian-12, flavour: m1.tiny}}
  workers:
    - {{name: workers, count: {workers}, image: debian-12, flavour: m1.tiny}}
  network: {network}
"""


@dataclass
class Portal:
    """A federation with one site, and a cluster in it."""

    place: Place
    root: Path

    def declare(self, workers: int, network: str = "{ports: [22/tcp]}") -> None:
        commit(self.root, {"portal.yaml": CLUSTER.format(workers=workers, network=network)})

    def hanse(self, *words: str) -> subprocess.Popen[str]:
        surroundings = {**os.environ, "PASSWORD": self.place.project.credential.password}
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler.cli", *words], cwd=self.root, env=surroundings, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def done(self, *words: str, code: int = 0) -> str:
        with self.hanse(*words) as process:
            said = process.communicate(timeout=600)[0]
        assert process.returncode == code, said
        return said

    def names(self) -> list[str]:
        return sorted(server["name"].partition("-")[2] for server in self.place.project.servers())


@pytest.fixture
def portal(place: Place, tmp_path: Path) -> Portal:
    root = tmp_path / "federation"
    site = SITE.format(endpoint=place.proxy.auth_url, project=place.project.id)
    commit(root, {"harbour.yaml": site})
    (root / "hanse.toml").write_text(SETTINGS.format(user=place.project.credential.username))
    return Portal(place, root)


def test_a_cluster_survives_kills_and_thieves_and_leaves_nothing(portal) -> None:
    place, wanted = portal.place, ["frontend-0", "workers-0", "workers-1", "workers-2"]
    portal.declare(3)

    with place.proxy.fault("hang", "compute", "POST", "/servers$", nth=3) as fault, portal.hanse("apply") as killed:
        assert fault.struck.wait(2 * PATIENCE)
        os.killpg(killed.pid, signal.SIGKILL)
    assert len(place.project.servers()) == 2, "killed with some of them made"
    portal.done("apply")
    assert portal.names() == wanted, "each once"
    assert len(place.project.contents()["hosts"]) == 4

    place.proxy.reset()
    portal.done("plan")
    assert place.proxy.writes() == []
    assert place.proxy.count() <= 4, [f"{c.method} {c.service} {c.path}" for c in place.proxy.calls]

    gone, stopped = (s["id"] for s in place.project.servers() if s["name"].endswith(("-workers-1", "-workers-2")))
    place.cloud.delete_server(gone)
    place.cloud.stop_server(stopped)
    place.proxy.reset()
    portal.done("apply")
    assert portal.names() == wanted
    assert {server["status"] for server in place.project.servers()} == {"ACTIVE"}
    assert place.proxy.count("compute", "POST", "/servers$") == 1, "exactly the one that was gone"

    commit(portal.root, {"portal.yaml": None})
    portal.done("apply")
    assert place.project.contents() == {}


def test_a_front_end_with_a_public_address_gives_it_back_and_is_removed_whole(portal) -> None:
    place = portal.place
    portal.declare(0, "{ports: [22/tcp, 80/tcp], publicAddress: true}")
    portal.done("apply")
    assert _open(place) == {22, 80}
    (address,) = place.project.contents()["floating IPs"]
    assert address.strip('"') in str(place.project.servers()[0]["addresses"])
    portal.done("plan")
    larger = CLUSTER.format(workers=0, network="{ports: [22/tcp], publicAddress: true}").replace("tiny", "small", 1)
    commit(portal.root, {"portal.yaml": larger})
    said = portal.done("apply")
    assert "deleted first, then made anew" in said
    assert place.project.contents()["floating IPs"] == [address], "names that lead to it stay right"
    assert [server["flavor"]["original_name"] for server in place.project.servers()] == ["m1.small"]
    assert _open(place) == {22}
    portal.declare(0)
    portal.done("apply")
    assert "floating IPs" not in place.project.contents()
    commit(portal.root, {"portal.yaml": None})
    portal.done("apply")
    assert place.project.contents() == {}


def _open(place: Place) -> set[int]:
    """Ports that everybody may reach."""
    found = place.cloud.api("GET", "network", f"/v2.0/security-group-rules?project_id={place.project.id}")
    rules = [r for r in found["security_group_rules"] if r["direction"] == "ingress" and not r["remote_group_id"]]
    return {rule["port_range_min"] for rule in rules}


def test_a_machine_that_comes_up_in_error_is_replaced(portal) -> None:
    place = portal.place
    place.cloud.fail_builds(2)  # on one host, then on the other: the server ends in ERROR
    portal.declare(0)
    portal.done("apply")
    assert [(s["name"][13:], s["status"]) for s in place.project.servers()] == [("frontend-0", "ACTIVE")]
    assert place.proxy.count("compute", "POST", "/servers$") == 2
    assert place.proxy.count("compute", "DELETE", "/servers/") == 1


def test_a_quota_that_does_not_suffice_is_said_before_anything_is_made(portal) -> None:
    portal.place.cloud.set_quota(portal.place.project.id, instances=2)
    portal.declare(3)
    said = portal.done("apply", code=3)
    assert "4 instances needed, 2 left" in " ".join(said.split())
    assert portal.place.project.contents() == {}


def test_hanse_killed_with_8_of_20_servers_made_makes_exactly_the_other_12(portal) -> None:
    place = portal.place
    place.cloud.set_quota(place.project.id, instances=20, cores=20, ram=20_480)
    portal.declare(19)
    with place.proxy.fault("hang", "compute", "POST", "/servers$", nth=9) as fault, portal.hanse("apply") as killed:
        assert fault.struck.wait(2 * PATIENCE)
        os.killpg(killed.pid, signal.SIGKILL)
    first = {server["id"] for server in place.project.servers()}
    assert len(first) == 8
    place.proxy.reset()
    portal.done("apply")
    servers = {server["id"]: server for server in place.project.servers()}
    assert first < servers.keys()
    assert portal.names() == sorted(["frontend-0", *(f"workers-{number}" for number in range(19))])
    assert {server["status"] for server in servers.values()} == {"ACTIVE"}
    assert place.proxy.count("compute", "POST", "/servers$") == 12
    place.proxy.reset()
    portal.done("plan")
    assert (place.proxy.writes(), place.proxy.count() <= 4) == ([], True)
    commit(portal.root, {"portal.yaml": None})
    portal.done("apply")
    assert place.project.contents() == {}


def test_a_503_on_the_third_create_ends_with_each_server_once_in_the_same_run(portal) -> None:
    place = portal.place
    portal.declare(3)
    with place.proxy.fault("refuse", "compute", "POST", "/servers$", nth=3, status=503) as fault:
        portal.done("apply")
    assert fault.hits == 1
    assert portal.names() == ["frontend-0", "workers-0", "workers-1", "workers-2"]
    assert place.proxy.count("compute", "POST", "/servers$") == 5


def test_an_image_that_the_cloud_does_not_have_is_said_and_nothing_is_made(portal) -> None:
    wrong = CLUSTER.format(workers=0, network="{}").replace("debian-12, flavour", "debian-13, flavour", 1)
    commit(portal.root, {"portal.yaml": wrong})
    said = " ".join(portal.done("apply", code=1).split())
    assert "the cloud has no image debian-13; did you mean debian-12?" in said
    assert portal.place.project.contents() == {}
