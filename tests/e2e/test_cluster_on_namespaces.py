"""A cluster of real hosts, from a commit to its removal: it comes up, serves its page, grows, shrinks, changes, heals."""

import json
import os
import urllib.request
from pathlib import Path

import pytest

from reconciler.drivers import namespace
from reconciler.model import Target
from tests.cli.conftest import Federation
from tests.real.namespaces import of_world, roots
from tests.real.waiting import PATIENCE

__all__ = ["roots"]

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

SETTINGS = """\
[targets."compute:*"]
namespace = {{rootfs = "{roots}"}}
"""
SITE = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.tides.example.org}
spec: {description: Tide gauges}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: HARBOUR}
spec:
  officialName: Harbour Data Centre
  country: DE
  contacts: {email: operations@harbour.example.org}
  clouds:
    - name: quay
      driver: namespace
      endpoint: https://cloud.harbour.example.org:5000/v3
      shares:
        - {vo: vo.tides.example.org, projectId: tides}
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: portal, namespace: tides}}
spec:
  vo: vo.tides.example.org
  site: HARBOUR
  frontend: {{image: debian-12}}
  workers:
    - {{name: workers, count: {workers}, image: debian-12}}
  network: {{ports: [22/tcp, 8080/tcp]}}
  software:
    - role: http_service
      variables:
        page: "{page}"
        token: {{secretRef: {{env: PORTAL_TOKEN}}}}
"""


class Portal(Federation):
    """The federation with the cluster, and a look at the world behind it."""

    world: namespace.World

    def declare(self, workers: int, page: str) -> None:
        """Commit the cluster with so many workers and this page."""
        self.write("manifests/portal.yaml", CLUSTER.format(workers=workers, page=page))
        self.commit(f"{workers} workers, {page}")

    def apply(self, code: int = 0) -> None:
        """Apply; then nothing is left to do."""
        said = self.hanse("apply")
        assert said.code == code, said.out + said.err
        plan = self.hanse("plan")
        assert plan.code == 0, plan.out + plan.err

    def nodes(self) -> dict[str, str]:
        """Group and ordinal -> address, of running nodes."""
        running = [n for n in self.world.nodes().nodes if n.state == "running"]
        return {f"{n.metadata['hanse-group']}-{n.metadata['hanse-ordinal']}": n.addresses[0] for n in running}

    def page(self) -> str:
        """What the front end serves to who has the token."""
        asked = urllib.request.Request(f"http://{self.nodes()['frontend-0']}:8080/")
        asked.add_header("Authorization", f"Bearer {os.environ['PORTAL_TOKEN']}")
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def file(self, place: str, path: str) -> str:
        """What a node has written into a file."""
        (found,) = self.world.directory.glob(f"nodes/*-{place}/upper/{path}")
        return found.read_text()


@pytest.fixture
def portal(tmp_path: Path, capsys, monkeypatch, roots):
    for name in [name for name in os.environ if name.startswith("HANSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORTAL_TOKEN", "high-water-5f2e")
    made = Portal(tmp_path / "fed", capsys)
    made.write("hanse.toml", SETTINGS.format(roots=roots))
    made.write("manifests/harbour.yaml", SITE)
    made.write(".gitignore", "/.hanse/\n")
    made.git("init", "-q")
    made.commit("first")
    state = made.root / ".hanse/state/compute"
    options = {"state": str(state), "namespace": {"rootfs": str(roots)}}
    made.world = namespace.open(Target("compute:HARBOUR/quay/vo.tides.example.org", "namespace", options))
    yield made
    made.world.close_down()
    assert of_world(made.world) == set()


def test_a_cluster_comes_up_changes_heals_and_goes(portal: Portal) -> None:
    portal.declare(2, "<h1>Ebb</h1>")
    portal.apply()
    assert set(portal.nodes()) == {"frontend-0", "workers-0", "workers-1"}
    assert portal.page() == "<h1>Ebb</h1>"
    before = portal.nodes()

    portal.declare(3, "<h1>Ebb</h1>")
    portal.apply()
    assert set(portal.nodes()) == {*before, "workers-2"}
    assert portal.nodes().items() >= before.items(), "the others were left alone"
    assert "portal-workers-2" in portal.file("frontend-0", "etc/hosts")

    portal.declare(1, "<h1>Flood</h1>")
    portal.apply()
    assert set(portal.nodes()) == {"frontend-0", "workers-0"}
    assert portal.page() == "<h1>Flood</h1>"
    assert "portal-workers-1" not in portal.file("frontend-0", "etc/hosts")

    gone = next(n for n in portal.world.nodes().nodes if n.name.endswith("-workers-0"))
    portal.world.destroy(gone.id)
    plan = json.loads(portal.hanse("plan", "-o", "json").out)
    assert [a["reason"] for a in plan["actions"]] == ["DriftDetected"]
    portal.apply()
    assert set(portal.nodes()) == {"frontend-0", "workers-0"}

    front = portal.nodes()["frontend-0"]
    portal.write("manifests/portal.yaml", CLUSTER.format(workers=1, page="").partition("  software:")[0])
    portal.commit("no page any more")
    portal.apply()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{front}:8080/", timeout=PATIENCE)
    portal.declare(1, "<h1>Flood</h1>")
    portal.apply()
    assert portal.page() == "<h1>Flood</h1>"

    found = [f for f in portal.root.rglob("*") if f.is_file() and b"high-water-5f2e" in f.read_bytes()]
    assert [f.name for f in found] == ["token"], "the secret stands on its host and nowhere else"

    (portal.root / "manifests/portal.yaml").unlink()
    portal.commit("no portal")
    portal.apply()
    assert portal.world.nodes().nodes == ()
    assert {name.split()[0] for name in of_world(portal.world)} == {"link"}, "only the bridge is left"
