"""hanse simulate elasticity, as people call it."""

import json
from pathlib import Path

import pytest

from reconciler.cli import main

EXAMPLES = sorted((Path(__file__).parents[2] / "docs/examples/elasticity").glob("*.yaml"))
SMALL = """\
groups:
  - max: 4
    cpus: 4
workload:
  burst: {jobs: 9, runSeconds: 300}
"""


def simulated(capsys, *words: str) -> tuple[int, str, str]:
    code = main(["simulate", "elasticity", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_and_every_job_of_it(capsys, example):
    code, out, _ = simulated(capsys, str(example), "-o", "json")
    assert code == 0
    policies = {one["policy"]: one for one in json.loads(out)["policies"]}
    assert {one["unserved"] for one in policies.values()} == {0}
    assert policies["hanse"]["wait_mean"] <= policies["clues"]["wait_mean"]


def test_waits_and_costs_are_shown_with_a_line_of_nodes(capsys, tmp_path):
    (tmp_path / "s.yaml").write_text(SMALL)
    code, out, _ = simulated(capsys, str(tmp_path / "s.yaml"), "--plot", str(tmp_path / "s.svg"))
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split()[:3] == ["policy", "wait", "mean"]
    assert lines[1].split()[:3] == ["hanse", "120", "s"]
    assert lines[2].split()[:3] == ["clues", "190", "s"]
    assert lines[4] == "nodes over 0.2 h, at most 3"
    assert (tmp_path / "s.svg").read_text().startswith("<svg")


def test_every_decision_can_be_read_with_its_time(capsys, tmp_path):
    (tmp_path / "s.yaml").write_text(SMALL)
    _, out, _ = simulated(capsys, str(tmp_path / "s.yaml"), "--decisions")
    assert "00:00:00  boot a node of workers: job burst-00001 needs 1 CPU, and no node" in out
    assert "00:12:00  stop workers-0001: no job for 5 min, and no queued job needs it" in out


def test_a_trace_takes_the_place_of_the_workload(capsys, tmp_path):
    (tmp_path / "s.yaml").write_text(SMALL)
    trace = tmp_path / "t.swf"
    trace.write_text("1 0 0 60 4 -1 -1 4 -1 -1 1 1 1 -1 -1 -1 -1 -1\n")
    _, out, _ = simulated(capsys, str(tmp_path / "s.yaml"), "--trace", str(trace), "-o", "json")
    assert {one["jobs"] for one in json.loads(out)["policies"]} == {1}


def test_a_misspelt_field_is_refused_with_its_line(capsys, tmp_path):
    (tmp_path / "s.yaml").write_text(SMALL.replace("runSeconds", "runSecond"))
    code, _, err = simulated(capsys, str(tmp_path / "s.yaml"))
    assert code == 1
    assert "s.yaml:5:20: workload.burst.runSecond: there is no field runSecond; did you mean runSeconds?" in err


def test_a_workload_without_jobs_is_refused(capsys, tmp_path):
    (tmp_path / "s.yaml").write_text("groups: [{max: 1, cpus: 1}]\nworkload: {}\n")
    assert simulated(capsys, str(tmp_path / "s.yaml"))[0] == 1
