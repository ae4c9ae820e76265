"""A cluster's members as bare namespace hosts, configured by the playbooks that come with Hanse."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.drivers.ansible import Runs
from reconciler.drivers.namespace import World
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.sshkey import own_key
from reconciler.model import Target
from reconciler.ports import Host, RunRequest
from tests.drivers.configure.conftest import finished, nodes
from tests.drivers.configure.test_ansible import on
from tests.real.debs import gathered, served
from tests.real.waiting import until

UID = "5" * 32
WHY = "exec 2>&1; hostname; ps -e -o args= | grep -E 'slurm|munge'; scontrol show nodes; squeue; tail /var/log/slurm/slurmctld.log; true"
"""What to look at when something does not come about."""

Role = Mapping[str, Any]
"""``role`` and ``variables``."""


@dataclass
class Cluster:
    """Hosts that are one cluster, and what they run."""

    world: World
    client: Runs
    source: str
    hosts: list[Host]
    software: Sequence[Role]
    secrets: Mapping[str, str] = field(default_factory=dict)

    def run(self, hosts: Sequence[Host] | None = None, playbook: str = "present.yml") -> str:
        """Run it; what is said of it, with the tasks that changed something."""
        handle = self.client.start(self._request(hosts or self.hosts, playbook))
        ended = finished(self.client, handle)
        assert ended.state == "successful", ended
        log = (self.client.options.runs / handle / "output.log").read_text()
        tasks = [
            part for part in re.split(r"^(?=TASK|RUNNING HANDLER)", log, flags=re.MULTILINE) if "changed: [" in part
        ]
        return f"{ended.message}: {[task.partition(']')[0] for task in tasks]}"

    def _request(self, hosts: Sequence[Host], playbook: str) -> RunRequest:
        source = {"role": "apt_source", "variables": {"lines": [self.source], "only": True}}
        given = {
            "hanse_cluster": {"name": "tide", "namespace": "tides", "uid": UID, "vo": "vo.tides.example.org"},
            "hanse_members": [{"name": h.name, "address": h.address, "groups": list(h.groups)} for h in hosts],
            "hanse_worker_groups": ["workers", "large"],
            "hanse_ports": ["22/tcp"],
            "hanse_ssh_keys": [],
            "hanse_software": [source, *self.software],
        }
        return RunRequest(f"virtualcluster/{playbook}", hosts, given, dict(self.secrets))

    @property
    def target(self) -> Target:
        key = str(own_key(self.world.options.state))
        return Target("batch:tides/tide", "namespace", {"address": self.hosts[0].address, "private_key": key})

    def on(self, host: Host, command: str) -> str:
        return on(host, self.world, command)

    def front(self, command: str) -> str:
        return self.on(self.hosts[0], command)

    def until(self, command: str, wanted: str) -> None:
        right = lambda said: said.split() == wanted.split()  # noqa: E731
        until(f"{command} says {wanted}", lambda: self.front(command), right, why=lambda: self.front(WHY), every=0.2)


def made(world: World, group: str, ordinal: int) -> Host:
    (host,) = nodes(world, "debian-12", [f"{UID[:12]}-{group}-{ordinal}"])
    own = {"hanse_group": group, "hanse_ordinal": ordinal, "hanse_cpus": 2, "hanse_ram_mib": 2048, "hanse_gpus": 0}
    return replace(host, groups=("frontend",) if group == "frontend" else ("workers", group), variables=own)


@contextmanager
def cluster_of(world: World, client: Runs, packages: Sequence[str], software: Sequence[Role]) -> Iterator[Cluster]:
    """A front end and a worker, answering, with a source of packages; gone afterwards."""
    hosts = [made(world, "frontend", 0), made(world, "workers", 0)]
    folder = gathered(ready_root(world.options.roots), packages)
    while any(client.reachable(hosts).values()):
        time.sleep(0.02)
    for host in hosts:
        on(host, world, "echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/hosts-that-do-not-last")
    with served(folder, world) as source:
        yield Cluster(world, client, source, hosts, software)
    for node in world.nodes().nodes:
        if node.name.startswith(UID[:12]):
            world.destroy(node.id)
