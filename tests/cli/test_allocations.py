"""What VOs were granted, told by the command, and held against what they ask for in a plan and an apply."""

from __future__ import annotations

import json

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec:
  clouds:
    - {name: main, driver: simulated, endpoint: "https://bay.example.org:5000/v3", shares: [{vo: tides, projectId: p1}]}
"""
VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: tides}
spec: {allocations: [{site: BAY, instances: 3, vcpus: 40, coreHours: 10}]}
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: %s, namespace: tides}
spec:
  {vo: tides, site: BAY, cloud: main, frontend: {image: debian-12}, workers: [{name: wn, count: %d, image: debian-12}]}
"""


def test_what_was_granted_is_told_and_more_is_blocked_with_the_numbers(federation):
    federation.write("manifests/site.yaml", SITE)
    federation.write("manifests/vo.yaml", VO)
    federation.write("manifests/cluster.yaml", CLUSTER % ("ebb", 3))
    federation.commit("more than was granted")
    said = federation.hanse("plan")
    assert said.code == 3
    assert "OverAllocation" in said.out
    assert "tides was granted 3 machines at BAY" in said.out
    assert "4 asked, 1 too many" in said.out
    found = json.loads(federation.hanse("report", "allocations", "-o", "json").out)
    assert [(row["what"], row["granted"], row["used"]) for row in found] == [
        ("machines", 3.0, 0.0),
        ("cores", 40.0, 0.0),
        ("core hours", 10.0, 0.0),
    ]
    assert "No VO has an allocation" in federation.hanse("report", "allocations", "--vo", "waves").out
