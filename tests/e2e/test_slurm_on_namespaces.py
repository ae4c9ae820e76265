"""A Slurm cluster of real hosts that follows its queue: workers come for jobs, and go when there are none."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.drivers import namespace
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.sshkey import own_key
from reconciler.model import Target
from tests.cli.conftest import Federation
from tests.drivers.configure.test_slurm_role import PACKAGES
from tests.e2e.test_cluster_on_namespaces import SITE
from tests.real.debs import gathered, served
from tests.real.namespaces import of_world, roots
from tests.real.waiting import PATIENCE, until

__all__ = ["roots"]

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

SETTINGS = """\
[targets."compute:*"]
namespace = {{rootfs = "{roots}"}}
[run]
interval_seconds = 600.0
elastic_seconds = 1.0
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: hpc, namespace: tides}}
spec:
  vo: vo.tides.example.org
  site: HARBOUR
  frontend: {{image: debian-12}}
  workers:
    - name: workers
      min: 0
      max: 3
      cpus: 2
      image: debian-12
      elasticity: {{idleSeconds: {idle}}}
  software:
    - role: apt_source
      variables: {{lines: ["{source}"], only: true}}
    - role: slurm
"""


class Cluster(Federation):
    """The federation with the cluster, and a look at the world behind it."""

    world: namespace.World
    source: str

    def declare(self, idle: int = 3) -> None:
        self.write("manifests/hpc.yaml", CLUSTER.format(source=self.source, idle=idle))
        self.commit(f"idle {idle}")

    def apply(self) -> str:
        said = self.hanse("apply")
        assert said.code == 0, said.out + said.err
        return said.out

    def actions(self) -> list[dict]:
        said = self.hanse("plan", "-o", "json")
        assert said.code in (0, 2), said.out + said.err
        self.last = json.loads(said.out)
        return self.last["actions"]

    def nodes(self) -> dict[str, str]:
        running = [n for n in self.world.nodes().nodes if n.state == "running"]
        return {f"{n.metadata['hanse-group']}-{n.metadata['hanse-ordinal']}": n.addresses[0] for n in running}

    def front(self, command: str) -> str:
        key = own_key(str(self.root / ".hanse/state/compute"))
        options = ["-F", "/dev/null", "-i", str(key), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
        options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        ssh = ["ssh", *options, f"root@{self.nodes()['frontend-0']}", command]
        done = subprocess.run(ssh, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def until(self, right) -> None:
        until(
            "what the queue wants", right, why=lambda: self.front("sinfo -N; squeue; sacct -X"), seconds=300, every=0.3
        )


@pytest.fixture
def cluster(tmp_path: Path, capsys, monkeypatch, roots):
    for name in [name for name in os.environ if name.startswith("HANSE_")]:
        monkeypatch.delenv(name)
    made = Cluster(tmp_path / "fed", capsys)
    made.write("hanse.toml", SETTINGS.format(roots=roots))
    made.write("manifests/harbour.yaml", SITE)
    made.write(".gitignore", "/.hanse/\n")
    made.git("init", "-q")
    made.commit("first")
    state = made.root / ".hanse/state/compute"
    options = {"state": str(state), "namespace": {"rootfs": str(roots)}}
    made.world = namespace.open(Target("compute:HARBOUR/quay/vo.tides.example.org", "namespace", options))
    made.world.directory.mkdir(parents=True)
    made.world._found()
    with served(gathered(ready_root(roots), PACKAGES), made.world) as source:
        made.source = source
        yield made
    made.end()
    made.world.close_down()
    assert of_world(made.world) == set()


def test_workers_come_for_jobs_and_go_when_there_are_none(cluster: Cluster) -> None:
    cluster.declare()
    cluster.apply()
    assert set(cluster.nodes()) == {"frontend-0"}
    assert cluster.actions() == [], "an empty queue wants nothing"

    job = cluster.front("sbatch --parsable --wrap hostname")
    assert len(cluster.actions()) == 1, cluster.last["choices"][1]
    (action,) = cluster.last["actions"]
    assert action["reason"] == "SpecChanged", action
    said = cluster.apply()
    assert f"job {job}" in said
    assert set(cluster.nodes()) == {"frontend-0", "workers-0"}
    cluster.until(
        lambda: cluster.front(f"sacct -nX -j {job} -o State,NodeList").split() == ["COMPLETED", "hpc-workers-0"]
    )

    long = cluster.front("sbatch --parsable --wrap 'sleep 600'")
    cluster.until(lambda: cluster.front(f"squeue -h -j {long} -o %T") == "RUNNING")
    time.sleep(4)
    assert cluster.actions() == [], "a node with a job stays"
    cluster.front(f"scancel {long}")
    cluster.until(lambda: cluster.front(f"sacct -nX -j {long} -o State").startswith("CANCELLED"))
    cluster.until(lambda: cluster.actions() != [])
    assert "no job for" in cluster.apply()
    assert set(cluster.nodes()) == {"frontend-0"}
    assert cluster.front("sinfo -h -N") == "", "Slurm has forgotten it"

    service = cluster.start("run")
    jobs = cluster.front("sbatch --parsable -N2 --wrap 'srun hostname'")
    cluster.until(lambda: cluster.front(f"sacct -nX -j {jobs} -o State") == "COMPLETED")
    cluster.until(lambda: set(cluster.nodes()) == {"frontend-0"})
    service.terminate()
    assert service.wait(PATIENCE) == 0, service.stderr.read()

    (cluster.root / "manifests/hpc.yaml").unlink()
    cluster.commit("no cluster")
    cluster.apply()
    assert cluster.world.nodes().nodes == ()
