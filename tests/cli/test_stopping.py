"""An apply that is told to stop, or killed: what was begun is finished or found again, nothing twice."""

import json
import signal

import pytest

from reconciler.drivers.simulated import World, world_path
from tests.real.waiting import PATIENCE, until

SETTINGS = """\
[substitute]
openstack = "simulated"
[targets."compute:*"]
simulate = { boot_seconds = 5 }
"""
MANIFESTS = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: ALPHA
spec:
  officialName: Alpha
  clouds:
    - name: main
      driver: openstack
      endpoint: https://alpha.example.org:5000/v3
      shares:
        - vo: vo.example.org
          projectId: p1
---
apiVersion: hanse/v1
kind: VirtualCluster
metadata:
  name: web
  namespace: vo.example.org
spec:
  vo: vo.example.org
  site: ALPHA
  frontend:
    cpus: 1
    ramMiB: 1024
    image: debian-12
---
apiVersion: hanse/v1
kind: DNSRecord
metadata:
  name: web
  namespace: vo.example.org
spec:
  zone: fed.example.org
  name: web
  valuesFrom:
    kind: VirtualCluster
    name: web
    output: frontend_address
"""


@pytest.fixture
def slow(federation):
    """A federation with a cluster that takes seconds to boot."""
    federation.write("hanse.toml", SETTINGS)
    federation.write("manifests/cluster.yaml", MANIFESTS)
    federation.commit()
    yield federation
    World.close_all()


def nodes(federation) -> list[str]:
    """The nodes that have been asked for."""
    path = world_path(str(federation.root / ".hanse/state/compute"), "ALPHA/main/vo.example.org")
    return World.open(path).names() if path.exists() else []


def interrupted(federation, number: int) -> tuple[int, str, str]:
    process = federation.start("apply")
    until("a node is asked for", lambda: nodes(federation))
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_says_what_is_left_and_the_next_one_does_it(slow, number):
    code, out, err = interrupted(slow, number)
    assert code == 1, out + err
    assert "Traceback" not in err
    assert "stopped before everything was done" in err
    assert slow.hanse("apply").code == 0
    assert slow.hanse("plan").code == 0
    events = json.loads(slow.hanse("history", "VirtualCluster/vo.example.org/web", "-o", "json").out)
    assert [event["state"] for event in events].count("done") == 1


def test_killed_it_is_found_again(slow):
    code, _, _ = interrupted(slow, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert slow.hanse("apply").code == 0
    assert slow.hanse("plan").code == 0


def test_explain_follows_an_output_to_the_cluster(slow):
    said = slow.hanse("explain", "DNSRecord/vo.example.org/web")
    lines = said.out.splitlines()
    assert lines[0] == "DNSRecord/vo.example.org/web  to create in the next run: New"
    assert lines[1].startswith("└─ VirtualCluster/vo.example.org/web (spec.valuesFrom, its frontend_address)")
    assert "Root cause" in said.out


def test_the_graph_has_a_wave_for_each_step(slow):
    waves = json.loads(slow.hanse("graph", "-o", "json").out)["waves"]
    assert [[box["ref"].partition("/")[0] for box in wave] for wave in waves] == [
        ["DNSRecord", "VO"],
        ["Site"],
        ["VirtualCluster"],
        ["DNSRecord"],
    ]
