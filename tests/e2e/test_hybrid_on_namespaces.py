"""A cluster at two sites, from a commit to its removal: two networks that a router alone connects."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from reconciler.drivers import namespace
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.sshkey import own_key
from reconciler.model import Target
from tests.cli.conftest import Federation
from tests.drivers.configure.test_wireguard_role import PACKAGES
from tests.e2e.test_hybrid_plan import SITES as SIMULATED
from tests.real.debs import gathered, served
from tests.real.namespaces import of_world, roots

__all__ = ["roots"]

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

VO = "vo.tides.example.org"
SETTINGS = """\
[targets."compute:*"]
namespace = {{rootfs = "{roots}"}}
"""
SITES = SIMULATED.replace("driver: simulated", "driver: namespace")
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: hpc, namespace: tides}}
spec:
  vo: vo.tides.example.org
  site: HARBOUR
  frontend: {{image: debian-12}}
  workers:
    - {{name: near, count: 1, image: debian-12}}
{far}
  network: {{ports: [22/tcp, 51820/udp], publicAddress: true}}
  software:
    - role: apt_source
      variables: {{lines: ["{source}"], only: true}}
    - role: wireguard
"""
FAR = "    - {name: far, site: LIGHTHOUSE, count: 1, image: debian-12}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Sites(Federation):
    """The federation, and both worlds behind it."""

    worlds: list[namespace.World]
    source: str

    def declare(self, far: str) -> None:
        self.write("manifests/hpc.yaml", CLUSTER.format(source=self.source, far=far))
        self.commit("a cluster" if far else "less of it")

    def apply(self) -> None:
        said = self.hanse("apply")
        assert said.code == 0, said.out + said.err
        plan = self.hanse("plan")
        assert plan.code == 0, plan.out + plan.err

    def nodes(self) -> dict[str, str]:
        there = [node for world in self.worlds for node in world.nodes().nodes]
        return {f"{n.metadata['hanse-group']}-{n.metadata['hanse-ordinal']}": n.addresses[0] for n in there}

    def on(self, address: str, command: str) -> str:
        key = own_key(str(self.root / ".hanse/state/compute"))
        options = ["-F", "/dev/null", "-i", str(key), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
        options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        ssh = ["ssh", *options, f"root@{address}", command]
        return subprocess.run(ssh, capture_output=True, text=True, check=True).stdout.strip()

    def connect(self, router: str, ended: threading.Event) -> None:
        """Lay a way between the front end and the other site's machine as soon as both are there."""
        here, there = (world._network() for world in self.worlds)
        for n, network in enumerate((here, there)):
            link = f"{network.veth('way')[:13]}{n}"
            ip("link", "add", link, "type", "veth", "peer", "name", f"site{n}", "netns", router)
            ip("link", "set", link, "master", network.bridge, "up")
            ip("-n", router, "address", "add", f"{network.subnet[-2]}/{network.subnet.prefixlen}", "dev", f"site{n}")
            ip("-n", router, "link", "set", f"site{n}", "up")
        ip("netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        while not ended.wait(0.2):
            found = [[n for n in world.nodes().nodes if n.state == "running"] for world in self.worlds]
            front = next((n for n in found[0] if n.metadata["hanse-group"] == "frontend"), None)
            far = next(iter(found[1]), None)
            if front and far:
                ip("-n", here.namespace(front.id), "route", "add", str(there.subnet), "via", str(here.subnet[-2]))
                ip("-n", there.namespace(far.id), "route", "add", front.addresses[0], "via", str(there.subnet[-2]))
                return


@pytest.fixture
def sites(tmp_path: Path, capsys, monkeypatch, roots):
    for name in [name for name in os.environ if name.startswith("HANSE_")]:
        monkeypatch.delenv(name)
    made = Sites(tmp_path / "fed", capsys)
    made.write("hanse.toml", SETTINGS.format(roots=roots))
    made.write("manifests/sites.yaml", SITES)
    made.write(".gitignore", "/.hanse/\n")
    made.git("init", "-q")
    made.commit("first")
    options = {"state": str(made.root / ".hanse/state/compute"), "namespace": {"rootfs": str(roots)}}
    made.worlds = []
    for cloud in ("HARBOUR/quay", "LIGHTHOUSE/lamp"):
        world = namespace.open(Target(f"compute:{cloud}/{VO}", "namespace", options))
        world.directory.mkdir(parents=True)
        world._found()
        world._network().raise_bridge()
        made.worlds.append(world)
    router = f"{made.worlds[1]._network().prefix}way"
    ip("netns", "add", router)
    ended = threading.Event()
    way = threading.Thread(target=made.connect, args=(router, ended))
    with served(gathered(ready_root(roots), PACKAGES), made.worlds[0]) as source:
        made.source = source
        way.start()
        yield made
    ended.set()
    way.join()
    ip("netns", "del", router)
    for world in made.worlds:
        world.close_down()
        assert of_world(world) == set()


def test_a_cluster_at_two_sites_comes_up_is_one_network_and_goes(sites: Sites) -> None:
    sites.declare(FAR)
    sites.apply()
    assert [len(world.nodes().nodes) for world in sites.worlds] == [2, 1]
    nodes = sites.nodes()
    for one, other in (("near-0", "far-0"), ("far-0", "near-0"), ("far-0", "frontend-0")):
        reached = f"getent hosts hpc-{other} | cut -d' ' -f1; timeout 60 bash -c '</dev/tcp/hpc-{other}/22' && echo yes"
        inner, answered = sites.on(nodes[one], reached).split()
        assert inner.startswith("10.220.")
        assert answered == "yes"
    mark = json.loads(sites.on(nodes["far-0"], "cat /etc/hanse-cluster.json"))
    assert (mark["cluster"]["name"], mark["group"]) == ("hpc", "far")

    far = next(iter(sites.worlds[1].nodes().nodes))
    sites.worlds[1].stop(far.id)
    plan = sites.hanse("plan")
    assert plan.code == 2, plan.out + plan.err
    assert "spec.workers[1].count: 0 -> 1" in plan.out

    sites.declare("")
    sites.apply()
    assert [len(world.nodes().nodes) for world in sites.worlds] == [2, 0]
    assert "hpc-far-0" not in sites.on(sites.nodes()["near-0"], "cat /etc/hosts")

    (sites.root / "manifests/hpc.yaml").unlink()
    sites.commit("no cluster")
    sites.apply()
    assert sites.nodes() == {}
