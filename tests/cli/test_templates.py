"""import tosca and import radl: from a template to manifests that validate, plan, and what is refused."""

import json
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[1] / "exchange" / "templates"
VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.tides.example.org}
spec: {}
"""
OURS = ("--vo", "vo.tides.example.org")


@pytest.fixture
def tides(federation):
    federation.write("manifests/tides.yaml", VO)
    return federation


def test_a_cluster_of_tosca_is_taken_in_and_validates(tides):
    files = [str(TEMPLATES / name) for name in ("tides-slurm.yaml", "tides-elastic.yaml")]
    said = tides.hanse("import", "tosca", *files, *OURS, "--input", "max_workers=20")
    assert said.code == 1, said.err  # something is not mapped
    assert "tides-slurm.yaml:144:7: " in said.out
    assert "no volume of 100 GB is made at /scratch of worker_host" in said.out
    assert "hanse validate --worktree" in said.err
    written = tides.root / "manifests" / "vo.tides.example.org" / "tidal-models.yaml"
    assert "max: 20" in written.read_text()
    assert tides.hanse("validate", "--worktree").code == 0
    again = tides.hanse("import", "tosca", *files, *OURS, "--input", "max_workers=20")
    assert "says this already" in again.err


def test_a_cluster_of_ec3_is_taken_in_and_validates(tides):
    files = [str(TEMPLATES / name) for name in ("ec3-slurm.radl", "ec3-images.radl")]
    said = tides.hanse("import", "radl", *files, *OURS, "--image", "ost://*=debian-12", "--name", "grows")
    assert "made: VirtualCluster vo.tides.example.org/grows" in said.out
    assert tides.hanse("validate", "--worktree").code == 0


def test_a_template_that_is_mapped_whole_ends_with_zero(tides):
    tides.write("small.radl", "system front (cpu.count>=2 and memory.size>=4g)\ndeploy front 1\n")
    said = tides.hanse("import", "radl", str(tides.root / "small.radl"), *OURS, "--image", "debian-12")
    assert said.code == 0, said.out
    assert "image: debian-12" in (tides.root / "manifests" / "vo.tides.example.org" / "small.yaml").read_text()


def test_a_manifest_that_somebody_has_edited_is_not_overwritten(tides):
    tides.write("small.radl", "system front (cpu.count>=2)\ndeploy front 1\n")
    call = ("import", "radl", str(tides.root / "small.radl"), *OURS, "--image", "debian-12")
    assert tides.hanse(*call).code == 0
    tides.write("manifests/vo.tides.example.org/small.yaml", "# mine\n")
    said = tides.hanse(*call)
    assert said.code == 1
    assert "is there already and says otherwise" in said.err
    assert (tides.root / "manifests/vo.tides.example.org/small.yaml").read_text() == "# mine\n"


def test_an_import_as_data_writes_nothing(tides):
    said = tides.hanse("import", "tosca", str(TEMPLATES / "kubernetes.yaml"), *OURS, "-o", "json")
    found = json.loads(said.out)
    assert found["unmapped"][0]["line"] > 0
    assert found["manifest"].startswith("# import: from kubernetes.yaml")
    assert not (tides.root / "manifests" / "vo.tides.example.org").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "radl", "nowhere.radl", *OURS), "nowhere.radl cannot be read"),
        (("import", "tosca", str(TEMPLATES / "machines.yaml"), *OURS, "--input", "x"), "write NAME=VALUE"),
    ],
)
def test_what_cannot_be_done_is_said(tides, arguments, said):
    answer = tides.hanse(*arguments)
    assert answer.code == 1
    assert said in answer.err
    assert "Traceback" not in answer.err
