"""The life of a cluster on the real OpenStack: placed, taken over by the next site, following its queue, hurt, removed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest

from reconciler.drivers.sshkey import own_key
from tests.drivers.configure.test_slurm_role import PACKAGES
from tests.drivers.openstack.conftest import Place, openstack, roots
from tests.house import commit
from tests.real.bind import Bind, bind
from tests.real.debs import gathered, served_at
from tests.real.openstack import Cloud
from tests.real.waiting import PATIENCE, until

__all__ = ["bind", "openstack", "roots"]

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

ZONE = "vo.example.org."
CLUSTER = "VirtualCluster/tides/hpc"
SETTINGS = """\
[apply]
attempts = 1
[run]
interval_seconds = 600.0
elastic_seconds = 0.5
lease_seconds = 30
[targets."dns:{zone}"]
driver = "rfc2136"
server = "127.0.0.1"
port = {port}
key = {{ file = "{key}" }}
"""
TARGET = """\
[targets."compute:{site}/*"]
auth = "password"
username = "{user}"
password = {{env = "{site}_PASSWORD"}}
prefer_address = "fixed"
"""
VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.example.org}
spec: {description: Tide gauges}
"""
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {site}}}
spec:
  country: DE
  contacts: {{email: operations@example.org}}
  clouds:
    - name: quay
      driver: openstack
      endpoint: {endpoint}
      region: RegionOne
      shares: [{{vo: vo.example.org, projectId: {project}}}]
  storage: [{{name: disk, driver: directory, qos: cache}}]
"""
DATA = """\
apiVersion: hanse/v1
kind: Dataset
metadata: {name: records, namespace: tides}
spec:
  scope: tides
  name: records
  files:
    - {path: stations.csv, size: 15, checksum: "adler32:26b70416", source: "data:,id%2Cdepth%0A1%2C3.5%0A"}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: records, namespace: tides}
spec: {scope: tides, name: records, copies: 1, locations: site=HARBOUR, vo: vo.example.org}
"""
HPC = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: hpc, namespace: tides}}
spec:
  vo: vo.example.org
  site: auto
  requirements: {{near: records}}
  frontend: {{image: debian-12, flavour: m1.small}}
  workers:
    - name: workers
      min: {least}
      max: 3
      cpus: 4
      image: debian-12
      elasticity: {{idleSeconds: 3}}
  network: {{ports: [22/tcp], publicAddress: true}}
  software:
    - role: apt_source
      variables: {{lines: ["{source}"], only: true}}
    - role: slurm
"""
NAME = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: hpc, namespace: tides}}
spec:
  zone: {zone}
  name: hpc
  ttl: 60
  valuesFrom: {{kind: VirtualCluster, name: hpc, output: frontend_address}}
---
apiVersion: hanse/v1
kind: Probe
metadata: {{name: hpc, namespace: tides}}
spec:
  target: {{dnsRecord: hpc}}
  plugin: check_dig
  arguments: [-H, 127.0.0.1, -p, "{port}", -l, "{{host}}", -a, "{{address}}"]
"""


@dataclass
class Federation:
    """Two sites on one OpenStack, each with a project and a front door of its own, and the cluster's zone on BIND."""

    root: Path
    cloud: Cloud
    bind: Bind
    places: dict[str, Place]
    source: str

    def declare(self, least: int = 0) -> None:
        files = {
            "hpc.yaml": HPC.format(least=least, source=self.source),
            "name.yaml": NAME.format(zone=ZONE, port=self.bind.port),
        }
        commit(self.root, files)

    def hanse(self, *words: str) -> subprocess.Popen[str]:
        secrets = {f"{site}_PASSWORD": place.project.credential.password for site, place in self.places.items()}
        command = [sys.executable, "-m", "reconciler.cli", *words]
        return subprocess.Popen(
            command, cwd=self.root, env={**os.environ, **secrets, "NO_COLOR": "1", "COLUMNS": "200"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def done(self, *words: str, code: int = 0) -> str:
        with self.hanse(*words) as process:
            said = process.communicate(timeout=600)[0]
        _show(words, process.returncode, said)
        assert process.returncode == code, said
        return said

    @contextmanager
    def running(self) -> Iterator[None]:
        """``hanse run`` in the background."""
        with self.hanse("run") as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=300)[0]
        _show(("run",), process.returncode, said)
        assert process.returncode == 0, said

    def plan(self) -> dict[str, Any]:
        with self.hanse("plan", "-o", "json") as process:
            said = process.communicate(timeout=600)[0]
        assert process.returncode in (0, 2, 3), said
        return json.loads(said)

    def servers(self, site: str = "LAGOON") -> dict[str, dict[str, Any]]:
        return {s["name"].partition("-")[2]: s for s in self.places[site].project.servers()}

    def resolved(self) -> list[str]:
        """What BIND answers for the cluster's name."""
        answer = dns.query.tcp(
            dns.message.make_query(f"hpc.{ZONE}", "A"), "127.0.0.1", timeout=PATIENCE, port=self.bind.port
        )
        return [value.to_text() for rrset in answer.answer for value in rrset]

    def front(self, command: str) -> str:
        """What a user sees who has logged in."""
        (address,) = [
            a["addr"] for a in self.servers()["frontend-0"]["addresses"]["private"] if a["OS-EXT-IPS:type"] == "fixed"
        ]
        key = own_key(str(self.root / ".hanse/state/compute"))
        options = ["-F", "/dev/null", "-i", str(key), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
        options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        ssh = ["ssh", *options, f"root@{address}", command]
        done = subprocess.run(ssh, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def until(self, right: Callable[[], bool]) -> None:
        until(
            "what the queue wants", right, why=lambda: self.front("sinfo -N; squeue; sacct -X"), seconds=600, every=0.3
        )

    def state_of(self, job: str) -> str:
        """In Slurm's word; "" while its accounting has not heard of it."""
        return self.front(f"sacct -nX -j {job} -o State").partition(" ")[0]


def _show(words: tuple[str, ...], code: int | None, said: str) -> None:
    """For people: ``pytest -s`` shows the walk."""
    print(f"\n$ hanse {' '.join(words)}\n{said}(exit {code})")


@pytest.fixture
def fed(openstack: Cloud, bind: Bind, tmp_path: Path) -> Iterator[Federation]:
    root = tmp_path / "federation"
    with ExitStack() as stack:
        stack.enter_context(bind.zone(ZONE))
        places, files = {}, {"vo.yaml": VO, "data.yaml": DATA}
        settings = SETTINGS.format(zone=ZONE, port=bind.port, key=bind.writer_key)
        for site in ("HARBOUR", "LAGOON"):
            project = stack.enter_context(openstack.project())
            proxy = stack.enter_context(openstack.proxy())
            places[site] = Place(openstack, project, proxy, root / ".hanse/state/compute")
            files[f"{site}.yaml"] = SITE.format(site=site, endpoint=proxy.auth_url, project=project.id)
            settings += TARGET.format(site=site, user=project.credential.username)
        openstack.set_quota(places["LAGOON"].project.id, instances=4, cores=20)
        source = stack.enter_context(served_at(gathered(openstack.root, PACKAGES), openstack.gateway))
        commit(root, files)
        (root / "hanse.toml").write_text(settings)
        yield Federation(root, openstack, bind, places, source)


def test_a_cluster_lives_until_nothing_is_left_of_it(fed: Federation) -> None:
    fed.done("apply")
    fed.declare()
    the_plan_says_where_it_goes_and_why(fed)
    the_next_site_takes_over_when_one_fails(fed)
    its_name_leads_to_its_front_end(fed)
    workers_come_and_go_with_the_queue(fed)
    a_lost_and_a_dead_worker_are_mended_and_no_other_is_touched(fed)
    a_quota_that_is_too_small_is_said_in_the_plan(fed)
    it_is_removed_in_the_right_order_and_nothing_is_left(fed)


def the_plan_says_where_it_goes_and_why(fed: Federation) -> None:
    said = fed.done("plan", code=2)
    assert "HARBOUR/quay" in said
    assert "holds 15 B of 15 B of the data" in said
    assert "not LAGOON/quay" in said


def the_next_site_takes_over_when_one_fails(fed: Federation) -> None:
    with fed.places["HARBOUR"].proxy.fault("refuse", "compute", "POST", "/servers$", times=1000):
        fed.done("apply", code=1)
        assert fed.servers("HARBOUR") == {}
        said = fed.done("apply")
    assert "moved from HARBOUR/quay (failed here at" in said
    assert set(fed.servers()) == {"frontend-0"}
    assert fed.places["HARBOUR"].project.contents() == {}


def its_name_leads_to_its_front_end(fed: Federation) -> None:
    (address,) = fed.places["LAGOON"].project.contents()["floating IPs"]
    assert fed.resolved() == [address.strip('"')]
    assert "nothing to do" in fed.done("plan")
    steps = {c["type"]: c for c in json.loads(fed.done("status", CLUSTER, "-o", "json"))["conditions"]}
    assert [steps[s]["status"] for s in ("Nodes", "Reachable", "Configured", "Healthy", "Ready")] == ["True"] * 5
    assert steps["Nodes"]["since"] <= steps["Reachable"]["since"] < steps["Configured"]["since"]


def workers_come_and_go_with_the_queue(fed: Federation) -> None:
    job = fed.front("sbatch --parsable -N2 -n2 --exclusive --wrap 'srun hostname'")
    (action,) = fed.plan()["actions"]
    assert action["reason"] == "SpecChanged"
    with fed.running():
        fed.until(lambda: fed.state_of(job) == "COMPLETED")
        assert len(fed.servers()) == 3
        fed.until(lambda: set(fed.servers()) == {"frontend-0"})
    assert fed.front("sinfo -h -N") == "", "Slurm has forgotten them"


def a_lost_and_a_dead_worker_are_mended_and_no_other_is_touched(fed: Federation) -> None:
    fed.declare(least=2)
    fed.done("apply")
    before = {name: server["id"] for name, server in fed.servers().items()}
    assert set(before) == {"frontend-0", "workers-0", "workers-1"}
    fed.cloud.delete_server(before["workers-0"])
    fed.cloud.kill_server(before["workers-1"])
    fed.cloud.wait(before["workers-1"], "SHUTOFF")
    proxy = fed.places["LAGOON"].proxy
    proxy.reset()
    fed.done("apply")
    after = {name: server["id"] for name, server in fed.servers().items()}
    assert {name for name in before if after[name] != before[name]} == {"workers-0"}
    assert proxy.count("compute", "POST", "/servers$") == 1
    job = fed.front("sbatch --parsable -N2 -n2 --exclusive --wrap 'srun hostname'")
    fed.until(lambda: fed.state_of(job) == "COMPLETED")


def a_quota_that_is_too_small_is_said_in_the_plan(fed: Federation) -> None:
    fed.cloud.set_quota(fed.places["LAGOON"].project.id, instances=3)
    fed.declare(least=3)
    said = " ".join(fed.done("plan", code=3).split())
    assert "1 instances needed, 0 left" in said
    fed.declare(least=2)


def it_is_removed_in_the_right_order_and_nothing_is_left(fed: Federation) -> None:
    commit(fed.root, {"hpc.yaml": None, "name.yaml": None})
    actions = [re.sub("^(.*?)/.*", r"\1", a["ref"]) for a in fed.plan()["actions"]]
    assert actions == ["Probe", "DNSRecord", "VirtualCluster"]
    proxy = fed.places["LAGOON"].proxy
    long = fed.front("sbatch --parsable -n1 --wrap 'sleep 15'")
    fed.until(lambda: fed.state_of(long) == "RUNNING")
    with fed.hanse("apply") as process:
        with proxy.fault("delay", "compute", "DELETE", "/servers/", seconds=60) as first:
            assert first.struck.wait(2 * PATIENCE)
            assert fed.resolved() == [], "the name is gone before any machine"
            assert fed.state_of(long) == "COMPLETED", "and the queue is empty"
        with proxy.fault("delay", "network", "DELETE", "/floatingips/", seconds=60) as last:
            assert last.struck.wait(2 * PATIENCE)
            assert fed.servers() == {}
        said = process.communicate(timeout=600)[0]
    _show(("apply",), process.returncode, said)
    assert process.returncode == 0, said
    assert {site: place.project.contents() for site, place in fed.places.items()} == {"HARBOUR": {}, "LAGOON": {}}
