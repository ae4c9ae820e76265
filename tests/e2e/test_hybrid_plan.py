"""A cluster at two sites, planned and made on simulated clouds: what the plan says of both before anything is done."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.drivers.simulated import World
from tests.cli.conftest import Federation

SETTINGS = """\
[targets."compute:HARBOUR/*"]
simulate = {any_host = true}
[targets."compute:LIGHTHOUSE/*"]
simulate = {quota = {instances = INSTANCES}}
"""
SITES = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.tides.example.org}
spec: {description: Tide gauges}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: HARBOUR}
spec:
  clouds:
    - name: quay
      driver: simulated
      endpoint: https://cloud.harbour.example.org:5000/v3
      shares: [{vo: vo.tides.example.org, projectId: tides}]
      options: {joins: [LIGHTHOUSE/lamp]}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: LIGHTHOUSE}
spec:
  clouds:
    - name: lamp
      driver: simulated
      endpoint: https://cloud.lighthouse.example.org:5000/v3
      shares: [{vo: vo.tides.example.org, projectId: tides}]
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: hpc, namespace: tides}
spec:
  vo: vo.tides.example.org
  site: HARBOUR
  cloud: quay
  frontend: {image: debian-12}
  workers:
    - {name: far, site: LIGHTHOUSE, cloud: lamp, count: 2, image: debian-12}
  software: [{role: wireguard}]
"""


@pytest.fixture
def federation(tmp_path: Path, capsys, monkeypatch) -> Iterator[Federation]:
    for name in [name for name in os.environ if name.startswith("HANSE_")]:
        monkeypatch.delenv(name)
    made = Federation(tmp_path / "fed", capsys)
    made.write("hanse.toml", SETTINGS.replace("INSTANCES", "1"))
    made.write("manifests/sites.yaml", SITES)
    made.write(".gitignore", "/.hanse/\n")
    made.git("init", "-q")
    made.write("manifests/hpc.yaml", CLUSTER)
    made.commit("a cluster")
    yield made
    World.close_all()


def test_a_quota_of_the_other_site_is_said_in_the_plan_before_anything_is_made(federation: Federation) -> None:
    said = federation.hanse("plan")
    assert said.code == 3, said.out + said.err
    assert "compute:LIGHTHOUSE/lamp/vo.tides.example.org: 2 instances needed, 1 left" in said.out

    federation.write("hanse.toml", SETTINGS.replace("INSTANCES", "2"))
    said = federation.hanse("plan")
    assert said.code == 2, said.out + said.err
    assert "LIGHTHOUSE/lamp: 2 x " in said.out
    said = federation.hanse("apply")
    assert said.code == 0, said.out + said.err
    assert federation.hanse("plan").code == 0

    (federation.root / "manifests/hpc.yaml").unlink()
    federation.commit("no cluster")
    said = federation.hanse("apply")
    assert said.code == 0, said.out + said.err
    worlds = (federation.root / ".hanse/state/compute").glob("*.sqlite")
    assert {name: World.open(path).names() for name, path in ((p.name, p) for p in worlds)} == {
        "HARBOUR+quay+vo.tides.example.org.sqlite": [],
        "LIGHTHOUSE+lamp+vo.tides.example.org.sqlite": [],
    }
