"""Roles for software on real bare hosts: all in one run, each used, a second run changes nothing, and taken away."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from tests.drivers.configure.bare import Cluster, cluster_of
from tests.real.waiting import PATIENCE, until

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

PACKAGES = (
    *("prometheus-node-exporter", "nfs-ganesha", "nfs-ganesha-vfs", "libnfs-utils", "podman", "busybox-static"),
    *("jupyterhub", "python3-notebook", "wireguard-tools", "wireguard-go"),
)
SOFTWARE = (
    {"role": "monitoring", "variables": {"port": 9200}},
    {"role": "nfs", "variables": {"mount": False}},
    {"role": "containers", "variables": {"packages": ["podman", "busybox-static"], "storage": "vfs"}},
    {
        "role": "cvmfs",
        "variables": {
            "install": False,
            "repositories": ["sea.example.org"],
            "proxy": "http://squid.example.org:3128",
            "domains": {
                "example.org": {"servers": ["http://s1.example.org/cvmfs/@fqrn@"], "keys": {"example.org.pub": "A KEY"}}
            },
        },
    },
    {
        "role": "jupyterhub",
        "variables": {
            "users": ["anna"],
            "password": "{{ hanse_secret_4_password }}",
            "settings": {"JupyterHub.active_server_limit": 5, "Spawner.debug": True},
        },
    },
)
PASSWORD = "correct horse"
MOUNTS = """python3 -c '
import ctypes, os
def mount(kind, place, options=""):
    os.makedirs(place, exist_ok=True)
    assert not ctypes.CDLL(None).mount(kind.encode(), place.encode(), kind.encode(), 0, options.encode()), place
mount("tmpfs", "/shared")
mount("tmpfs", "/sys/fs/cgroup")
for name in "cpu cpuacct cpuset memory devices freezer blkio pids".split():
    mount("cgroup", "/sys/fs/cgroup/" + name, name)
'"""
"""What a whole machine has and a namespace host has not: files with handles, and control groups."""
IMAGE = "mkdir -p /tmp/image/bin && cp /bin/busybox /tmp/image/bin && tar -C /tmp/image -c . | podman import -q - tide"


@pytest.fixture
def cluster(world, runs) -> Iterator[Cluster]:
    with cluster_of(world, runs(playbooks=""), PACKAGES, SOFTWARE) as made:
        made.secrets = {"hanse_secret_4_password": PASSWORD}
        made.front(MOUNTS)
        made.run()
        yield made


def test_software_is_installed_used_left_alone_and_taken_away(cluster: Cluster) -> None:
    every_member_shows_its_load_to_prometheus(cluster)
    members_share_a_folder_and_nobody_else_does(cluster)
    a_container_runs(cluster)
    the_client_of_cvmfs_is_told_where_to_look(cluster)
    notebooks_open_in_a_browser(cluster)
    assert "changed 0" in cluster.run(), "a second run changes nothing"
    all_of_it_is_taken_away_and_the_files_of_users_stay(cluster)


def every_member_shows_its_load_to_prometheus(cluster: Cluster) -> None:
    for host in cluster.hosts:
        with urllib.request.urlopen(f"http://{host.address}:9200/metrics", timeout=PATIENCE) as answer:
            assert re.search(r"^node_load1 [0-9.]+$", answer.read().decode(), re.MULTILINE)


def members_share_a_folder_and_nobody_else_does(cluster: Cluster) -> None:
    front, worker = cluster.hosts
    place = f"nfs://{front.address}/shared"
    cluster.on(worker, f"echo ebb > /tmp/said && nfs-cp /tmp/said '{place}/tide?version=4'")
    assert cluster.front("cat /shared/tide") == "ebb\n"
    cluster.front("echo flood > /shared/tide")
    assert cluster.on(worker, f"nfs-cat '{place}/tide?version=4'") == "flood\n"
    other = str(cluster.world._network().subnet[-2])
    cluster.on(worker, f"ip address add {other} dev eth0 && ip route add {front.address} dev eth0 src {other}")
    assert cluster.on(worker, f"nfs-cat '{place}/tide?version=4' 2>/dev/null || echo refused") == "refused\n"
    cluster.on(worker, f"ip address del {other} dev eth0")


def a_container_runs(cluster: Cluster) -> None:
    cluster.front(IMAGE)
    assert cluster.front("podman run --rm --network=none tide /bin/busybox echo ebb 2>/tmp/said").strip() == "ebb"


def the_client_of_cvmfs_is_told_where_to_look(cluster: Cluster) -> None:
    said = cluster.front("cat /etc/cvmfs/default.local /etc/cvmfs/domain.d/example.org.conf")
    assert 'CVMFS_REPOSITORIES=sea.example.org\nCVMFS_HTTP_PROXY="http://squid.example.org:3128"' in said
    assert 'CVMFS_SERVER_URL="http://s1.example.org/cvmfs/@fqrn@"' in said
    assert cluster.front("stat -c %a /etc/cvmfs/keys/example.org/example.org.pub") == "444\n"


class Browser:
    """Keeps cookies and follows redirections."""

    def __init__(self, address: str) -> None:
        self.address = f"http://{address}:8000"
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def get(self, path: str, **form: str) -> str:
        sent = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self.opener.open(f"{self.address}{path}", sent, timeout=PATIENCE) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:  # a server that is still starting
            with error:
                return error.read().decode()


def notebooks_open_in_a_browser(cluster: Cluster) -> None:
    browser = Browser(cluster.hosts[0].address)
    assert "Invalid username or password" in browser.get("/hub/login", username="anna", password="wrong")
    assert "Invalid username or password" in browser.get("/hub/login", username="berta", password=PASSWORD)
    browser.get("/hub/login", username="anna", password=PASSWORD)
    browser.get("/hub/spawn")
    log = lambda: cluster.front("tail -20 /var/log/hanse-jupyterhub.log")  # noqa: E731
    page = lambda: browser.get("/user/anna/tree")  # noqa: E731
    until("a notebook opens", page, lambda text: "data-notebook-path" in text, why=log, every=0.5)
    assert cluster.front("ps -o user= -C jupyterhub-singl | sort -u").split() == ["anna"]


def all_of_it_is_taken_away_and_the_files_of_users_stay(cluster: Cluster) -> None:
    cluster.run(playbook="absent.yml")
    for host in cluster.hosts:
        left = cluster.on(host, "ps -e -o args= | grep -E '[j]upyter|[g]anesha|[n]ode-exporter|[c]onfigurable' || true")
        assert left == ""
    assert cluster.front("ls /srv /etc/init.d | grep hanse || true; which podman || true") == ""
    assert cluster.front("find /etc/cvmfs /etc/auto.master.d -type f") == ""
    assert cluster.front("cat /shared/tide; ls -d /home/anna").split() == ["flood", "/home/anna"]
    assert "changed 0" in cluster.run(playbook="absent.yml")
