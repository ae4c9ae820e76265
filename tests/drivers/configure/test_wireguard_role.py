"""The role wireguard: hosts of two networks that cannot reach each other are one cluster all the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.drivers import namespace
from reconciler.drivers.sshkey import own_key
from reconciler.kinds.virtualcluster.overlay import NETWORK, overlay_address
from reconciler.kinds.virtualcluster.spec import Frontend, Software, VirtualClusterSpec, WorkerGroup
from reconciler.model import Target
from reconciler.ports import Host
from tests.drivers.configure.bare import Cluster, cluster_of, made
from tests.real.namespaces import of_world

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

PACKAGES = ("wireguard-tools", "wireguard-go", "munge", "slurmctld", "slurmd", "slurm-client")
SOFTWARE = (
    {"role": "wireguard", "variables": {}},
    {"role": "slurm", "variables": {"accounting": False}},
)
SPEC = VirtualClusterSpec(
    vo="vo.tides.example.org",
    frontend=Frontend(image="debian-12"),
    workers=tuple(WorkerGroup(name=name, image="debian-12", count=1) for name in ("workers", "large")),
    software=(Software(role="wireguard"),),
)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def other_site(world: namespace.World, roots: Path, tmp_path: Path) -> Iterator[namespace.World]:
    """A second world, whose hosts have the same key."""
    key = str(own_key(world.options.state))
    options = {"state": str(tmp_path / "other"), "private_key": key, "namespace": {"rootfs": str(roots)}}
    other = namespace.open(Target("compute:SITE-B/cloud", "namespace", options))
    yield other
    other.close_down()
    assert of_world(other) == set()


@pytest.fixture
def cluster(world: namespace.World, other_site: namespace.World, runs) -> Iterator[Cluster]:
    """Front end and worker at one site, a worker at another, which only reaches the front end."""
    with cluster_of(world, runs(playbooks=""), PACKAGES, SOFTWARE) as made_up:
        made_up.hosts.append(made(other_site, "large", 0))
        made_up.hosts = [placed(host, "SITE-B/cloud" if n == 2 else "") for n, host in enumerate(made_up.hosts)]
        with way_between(world, other_site, made_up):
            yield made_up


def placed(host: Host, place: str) -> Host:
    group, ordinal = host.variables["hanse_group"], host.variables["hanse_ordinal"]
    own = {
        "hanse_place": place,
        "hanse_public_address": host.address if group == "frontend" else "",
        "hanse_overlay": overlay_address(SPEC, group, ordinal),
    }
    return replace(host, variables={**host.variables, **own})


class way_between:  # noqa: N801
    """A router that both networks have, and that only the front end and the other site know of."""

    def __init__(self, here: namespace.World, there: namespace.World, cluster: Cluster) -> None:
        self.networks, self.cluster = (here._network(), there._network()), cluster
        self.name = f"{self.networks[1].prefix}way"

    def __enter__(self) -> None:
        ip("netns", "add", self.name)
        for n, network in enumerate(self.networks):
            link = f"{network.veth('way')[:13]}{n}"
            ip("link", "add", link, "type", "veth", "peer", "name", f"site{n}", "netns", self.name)
            ip("link", "set", link, "master", network.bridge, "up")
            ip("-n", self.name, "address", "add", f"{network.subnet[-2]}/{network.subnet.prefixlen}", "dev", f"site{n}")
            ip("-n", self.name, "link", "set", f"site{n}", "up")
        ip("netns", "exec", self.name, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        front, _, far = self.cluster.hosts
        here, there = self.networks
        self.cluster.on(front, f"ip route add {there.subnet} via {here.subnet[-2]}")
        self.cluster.on(far, f"ip route add {front.address} via {there.subnet[-2]}")

    def __exit__(self, *_: object) -> None:
        ip("netns", "del", self.name)


def test_members_at_two_sites_are_one_cluster(cluster: Cluster) -> None:
    front, near, far = cluster.hosts
    assert (
        cluster.on(near, f"timeout 2 bash -c '</dev/tcp/{far.address}/22' 2>/dev/null && echo yes || echo no") == "no\n"
    )
    cluster.run()
    inner = {host.name: host.variables["hanse_overlay"] for host in cluster.hosts}
    for one, other in ((near, far), (far, near), (far, front), (front, far), (near, front)):
        reached = f"timeout 60 bash -c '</dev/tcp/{inner[other.name]}/22' && echo yes"
        assert cluster.on(one, reached) == "yes\n", f"{one.name} -> {other.name}"
    assert cluster.on(near, "getent hosts tide-large-0").split()[0] == inner[far.name]

    cluster.until("sinfo -h -N -p main -o '%N %t' | sort", "tide-large-0 idle tide-workers-0 idle")
    cluster.front("cd /tmp && srun -N2 hostname | sort > /tmp/both")
    assert cluster.front("cat /tmp/both").split() == ["tide-large-0", "tide-workers-0"]

    assert "changed 0" in cluster.run(), "a second run changes nothing"

    keys = {cluster.on(host, "cat /etc/wireguard/hanse.key") for host in cluster.hosts}
    assert len(keys) == 3
    kept = [file for file in Path(cluster.client.options.state).rglob("*") if file.is_file()]
    assert not any(key.strip().encode() in file.read_bytes() for key in keys for file in kept)

    cluster.run(cluster.hosts[:2])
    assert cluster.front("wg show hanse peers | wc -l").strip() == "1", "who has left is known no more"
    cluster.run(cluster.hosts[:2], "absent.yml")
    assert (
        cluster.front("ls /etc/wireguard; ip -o link show dev hanse 2>/dev/null || true; pgrep wireguard || true") == ""
    )
    assert "changed 0" in cluster.run(cluster.hosts[:2], "absent.yml")


def test_the_role_and_the_kind_have_the_same_default() -> None:
    role = Path(__file__).parents[3] / "playbooks/roles/wireguard/defaults/main.yml"
    assert f"network: {NETWORK}\n" in role.read_text()
