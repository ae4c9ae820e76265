"""The role slurm on real bare hosts: jobs run, accounts are kept, workers join and leave, a second run changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.drivers import slurm
from reconciler.errors import Conflict
from tests.drivers.configure.bare import Cluster, cluster_of, made

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

PACKAGES = ("munge", "slurmctld", "slurmdbd", "slurmd", "slurm-client", "mariadb-server")


@pytest.fixture
def cluster(world, runs) -> Iterator[Cluster]:
    with cluster_of(world, runs(playbooks=""), PACKAGES, [{"role": "slurm", "variables": {}}]) as made_up:
        yield made_up


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
    cluster.until("sinfo -h -N -p main -o %t | sort", "idle mix")  # they count as silent until they are asked again
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
