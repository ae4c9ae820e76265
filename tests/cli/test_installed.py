"""What manifests name and nothing here answers to is said by validate, with its place."""

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: ALPHA}
spec:
  clouds:
    - {name: main, driver: opnstack, endpoint: "https://a.example.org:5000/v3"}
  storage:
    - {name: disk, driver: directry}
    - {name: tape, driver: directory}
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: hpc, namespace: vo-x}
spec:
  vo: vo.x.example.org
  site: ALPHA
  frontend: {cpus: 1, ramMiB: 1024, image: debian-12}
  workers: [{name: w, count: 1, cpus: 1, ramMiB: 1024, image: debian-12}]
  software:
    - role: slrm
    - role: slurm
      variables: {partiton: main}
---
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.x.example.org}
spec: {}
"""


def test_drivers_roles_and_variables_that_nobody_knows_are_warned_of_with_their_place(federation):
    federation.write("manifests/alpha.yaml", SITE)
    federation.write("manifests/hpc.yaml", CLUSTER)
    said = federation.hanse("validate", "--worktree")
    assert said.code == 0
    told = [line for line in said.out.splitlines() if "not-installed" in line]
    assert told == [
        "manifests/alpha.yaml:6:20: spec.clouds[0].driver: no compute driver is called opnstack; "
        "did you mean openstack? [warning: not-installed]",
        "manifests/alpha.yaml:8:20: spec.storage[0].driver: no storage driver is called directry; "
        "did you mean directory? [warning: not-installed]",
        "manifests/hpc.yaml:10:7: spec.software[0].role: no role is called slrm; "
        "did you mean slurm? [warning: not-installed]",
        "manifests/hpc.yaml:12:19: spec.software[1].variables.partiton: the role slurm has no variable partiton; "
        "did you mean partition? [warning: not-installed]",
    ]


def test_a_driver_that_the_operator_substitutes_is_known(federation):
    federation.write("hanse.toml", '[substitute]\nopnstack = "simulated"\ndirectry = "directory"\n')
    federation.write("manifests/alpha.yaml", SITE)
    assert "not-installed" not in federation.hanse("validate", "--worktree").out
