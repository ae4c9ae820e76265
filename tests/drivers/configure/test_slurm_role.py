"""The role slurm on real bare hosts: jobs run, accounts are kept, workers join and leave, a second run changes nothing."""

from __future__ import annotations

import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from reconciler.drivers import slurm
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.sshkey import own_key
from reconciler.errors import Conflict
from reconciler.model import Target
from reconciler.ports import Host, RunRequest
from tests.drivers.configure.conftest import finished, nodes
from tests.drivers.configure.test_ansible import on
from tests.real.debs import gathered, served

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

PACKAGES = ("munge", "slurmctld", "slurmdbd", "slurmd", "slurm-client", "mariadb-server")
UID = "5" * 32
WHY = "exec 2>&1; hostname; ps -e -o args= | grep -E 'slurm|munge'; scontrol show nodes; squeue; tail /var/log/slurm/slurmctld.log; true"
"""What to look at when something does not come about."""


def request(
    hosts: list[Host], source: str, playbook: str = "present.yml", role: str = "slurm", secrets=(), **variables
) -> RunRequest:
    given = {
        "hanse_cluster": {"name": "tide", "namespace": "tides", "uid": UID, "vo": "vo.tides.example.org"},
        "hanse_members": [{"name": h.name, "address": h.address, "groups": list(h.groups)} for h in hosts],
        "hanse_worker_groups": ["workers", "large"],
        "hanse_ports": ["22/tcp"],
        "hanse_ssh_keys": [],
        "hanse_software": [
            {"role": "apt_source", "variables": {"lines": [source], "only": True}},
            {"role": role, "variables": variables},
        ],
    }
    return RunRequest(f"virtualcluster/{playbook}", hosts, given, dict(secrets))


@dataclass
class Cluster:
    """A Slurm cluster on namespace hosts."""

    world: object
    client: object
    source: str
    hosts: list[Host]

    def run(self, hosts: list[Host] | None = None, playbook: str = "present.yml", **variables) -> str:
        asked = request(self.hosts if hosts is None else hosts, self.source, playbook, **variables)
        ended = finished(self.client, self.client.start(asked))
        assert ended.state == "successful", ended
        return ended.message

    @property
    def target(self) -> Target:
        key = str(own_key(self.world.options.state))
        return Target("batch:tides/tide", "namespace", {"address": self.hosts[0].address, "private_key": key})

    def on(self, host: Host, command: str) -> str:
        return on(host, self.world, command)

    def front(self, command: str) -> str:
        return self.on(self.hosts[0], command)

    def until(self, command: str, wanted: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while (said := self.front(command).split()) != wanted.split():
            assert time.monotonic() < end, f"{command}: {said}\n{self.front(WHY)}"
            time.sleep(0.2)


def made(world, group: str, ordinal: int) -> Host:
    (host,) = nodes(world, "debian-12", [f"{UID[:12]}-{group}-{ordinal}"])
    own = {"hanse_group": group, "hanse_ordinal": ordinal, "hanse_cpus": 2, "hanse_ram_mib": 2048, "hanse_gpus": 0}
    return replace(host, groups=("frontend",) if group == "frontend" else ("workers", group), variables=own)


@pytest.fixture
def cluster(world, runs) -> Iterator[Cluster]:
    hosts = [made(world, "frontend", 0), made(world, "workers", 0)]
    folder = gathered(ready_root(world.options.roots), (*PACKAGES, "jupyterhub", "python3-notebook"))
    client = runs(playbooks="")
    while any(client.reachable(hosts).values()):
        time.sleep(0.02)
    with served(folder, world) as source:
        yield Cluster(world, client, source, hosts)
    for node in world.nodes().nodes:
        if node.name.startswith(UID[:12]):
            world.destroy(node.id)


def test_a_slurm_cluster_comes_up_works_grows_shrinks_and_goes(cluster: Cluster) -> None:
    cluster.run()
    cluster.until("sinfo -h -N -p main -o '%N %t %c %m'", "tide-workers-0 idle 2 2048")
    assert "changed 0" in cluster.run(), "a second run changes nothing"

    cluster.front("cd /tmp && sbatch --wait -p workers --wrap 'hostname > /tmp/said'")
    assert cluster.on(cluster.hosts[1], "cat /tmp/said") == "tide-workers-0\n"
    cluster.until("sacct -n -X -o State,NodeList", "COMPLETED tide-workers-0")
    waiting = cluster.front("sbatch --parsable -p large --wrap 'true'").strip()
    cluster.until(f"squeue -h -j {waiting} -o %T", "PENDING")

    cluster.hosts.append(made(cluster.world, "large", 0))
    cluster.run()
    cluster.until(f"sacct -n -X -j {waiting} -o State,NodeList", "COMPLETED tide-large-0")
    cluster.front("srun -N2 -p main hostname | sort > /tmp/both")
    assert cluster.front("cat /tmp/both").split() == ["tide-large-0", "tide-workers-0"]

    batch = slurm.open(cluster.target)
    long = cluster.front("sbatch --parsable -p large --wrap 'sleep 300'").strip()
    cluster.until(f"squeue -h -j {long} -o %T", "RUNNING")
    batch.drain(["tide-large-0"], "hanse: to be taken away")
    nodes = {node.name: node for node in batch.queue().nodes}
    assert (nodes["tide-large-0"].state, nodes["tide-large-0"].jobs) == ("draining", (long,))
    assert (nodes["tide-workers-0"].state, nodes["tide-workers-0"].cpus) == ("idle", 2)
    with pytest.raises(Conflict, match=f"tide-large-0 has job {long}"):
        batch.forget(["tide-large-0"])
    cluster.until(f"squeue -h -j {long} -o %T", "RUNNING")
    batch.resume(["tide-large-0", "tide-workers-0"])
    assert {node.state for node in batch.queue().nodes} == {"busy", "idle"}
    cluster.front(f"scancel {long}")
    batch.drain(["tide-large-0"], "hanse: to be taken away")
    cluster.until("sinfo -h -N -p large -o '%N %t'", "tide-large-0 drain")
    batch.forget(["tide-large-0", "nobody-0"])
    cluster.run(cluster.hosts[:2])
    cluster.until("sinfo -h -N -p main -o '%N %t'", "tide-workers-0 idle")

    for host in cluster.hosts[:2]:
        node = next(n for n in cluster.world.nodes().nodes if n.name == host.name)
        cluster.world.stop(node.id)
        cluster.world.power_on(node.id)
    cluster.until("sinfo -h -N -p main -o '%N %t' || true", "tide-workers-0 idle")
    assert cluster.front("sacct -n -X -j 1 -o State").split() == ["COMPLETED"], "it outlives a power cut"

    cluster.run(cluster.hosts[:2], "absent.yml")
    assert cluster.front("pgrep -l slurm || true") == ""
    assert cluster.on(cluster.hosts[1], "pgrep -l slurm || true") == ""
    assert "changed 0" in cluster.run(cluster.hosts[:2], "absent.yml")


class Browser:
    """Keeps cookies and follows redirections."""

    def __init__(self, address: str) -> None:
        self.address = f"http://{address}:8000"
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def get(self, path: str, **form: str) -> str:
        sent = urllib.parse.urlencode(form).encode() if form else None
        with self.opener.open(f"{self.address}{path}", sent, timeout=30) as answer:
            return answer.read().decode()


def test_notebooks_open_in_a_browser(cluster: Cluster) -> None:
    asked = {"role": "jupyterhub", "users": ["anna"], "password": "{{ hanse_secret_1_password }}"}
    asked["secrets"] = {"hanse_secret_1_password": "correct horse"}
    cluster.run(**asked)
    assert "changed 0" in cluster.run(**asked), "a second run changes nothing"
    browser = Browser(cluster.hosts[0].address)
    assert "Invalid username or password" in browser.get("/hub/login", username="anna", password="wrong")
    assert "Invalid username or password" in browser.get("/hub/login", username="berta", password="correct horse")
    browser.get("/hub/login", username="anna", password="correct horse")
    browser.get("/hub/spawn")
    end = time.monotonic() + 120
    while "data-notebook-path" not in browser.get("/user/anna/tree"):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert cluster.front("ps -o user= -C jupyterhub-singl | sort -u").split() == ["anna"]
    cluster.run(playbook="absent.yml", **asked)
    assert "changed 0" in cluster.run(playbook="absent.yml", **asked)
