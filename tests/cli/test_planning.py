"""validate, plan, graph and diff: what they say and which code they give."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from jsonschema import Draft202012Validator

from tests.cli.conftest import environment, record

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "hanse.plan.v1.json").read_text(encoding="utf-8"))


def test_valid_manifests_are_counted(federation):
    said = federation.hanse("validate")
    assert (said.code, said.out, said.err) == (0, "", "2 resources valid\n")


def test_every_fault_is_told_with_its_place_and_no_database_is_made(federation):
    federation.write("manifests/www.yaml", record("www", ttl="never").replace("type: A", "tpye: A"))
    federation.write("manifests/other.yaml", record("other", ttl=-5))
    said = federation.hanse("validate", "--worktree")
    assert said.code == 1
    assert "manifests/other.yaml:10:" in said.out
    assert "manifests/www.yaml:9:" in said.out
    assert "did you mean type?" in said.out
    assert "errors in 2 files" in said.err
    assert not (federation.root / ".hanse" / "hanse.db").exists()


def test_faults_as_data_and_as_annotations(federation):
    federation.write("manifests/www.yaml", record("www", ttl="never"))
    found = json.loads(federation.hanse("validate", "--worktree", "-o", "json").out)
    assert (found["valid"], found["errors"]) == (False, 1)
    assert found["diagnostics"][0]["file"] == "manifests/www.yaml"
    assert federation.hanse("validate", "--worktree", "-o", "github").out.startswith("::error file=manifests/www.yaml,")


def test_a_plan_with_changes_gives_2_and_without_gives_0(applied):
    said = applied.hanse("plan")
    assert (said.code, said.out) == (0, "Plan: nothing to do; 2 unchanged.\n")
    applied.write("manifests/www.yaml", record("www", ttl=600))
    said = applied.hanse("plan", "--worktree")
    assert said.code == 2
    assert said.out == (
        "Git moved\n"
        "    ~ DNSRecord/vo.example.org/www  spec.ttl: 300 -> 600  (SpecChanged)\n\n"
        "Plan: 1 to update; 1 unchanged.\n"
        "  to do this: hanse apply\n"
    )


def test_a_plan_as_data_is_as_its_schema_says(federation):
    said = federation.hanse("plan", "-o", "json")
    assert said.code == 2
    Draft202012Validator(SCHEMA).validate(json.loads(said.out))


def test_the_same_plan_twice_is_the_same_bytes(federation):
    assert federation.hanse("plan", "-o", "json").out == federation.hanse("plan", "-o", "json").out


def test_a_plan_for_a_pull_request_shows_only_what_the_branch_changes(federation):
    federation.git("checkout", "-q", "-b", "branch")
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    said = federation.hanse("plan", "branch", "--base", "main", "-o", "markdown")
    assert said.code == 2
    assert "DNSRecord/vo.example.org/new" in said.out
    assert "DNSRecord/vo.example.org/www" not in said.out
    assert "2 actions of this plan not shown" in said.err


def test_filters_change_what_is_shown_and_not_what_is_saved(federation):
    out = federation.root / "p.json"
    said = federation.hanse("plan", "--kind", "VO", "--out", str(out))
    assert "DNSRecord" not in said.out
    assert len(json.loads(out.read_text())["actions"]) == 2
    assert "DNSRecord" in federation.hanse("plan", "--target", "dns:*").out


def test_a_graph_in_every_notation(federation):
    assert federation.hanse("graph").out.startswith("flowchart LR\n")
    assert federation.hanse("graph", "-o", "dot").out.startswith("digraph plan {")
    ET.fromstring(federation.hanse("graph", "-o", "svg").out)
    assert json.loads(federation.hanse("graph", "-o", "json").out)["waves"][0][0]["action"] == "create"


def test_a_settled_federation_is_drawn_when_asked_for(applied):
    assert "nothing is to be done" in applied.hanse("graph").err
    assert "VO/vo.example.org" in applied.hanse("graph", "--all").out


def test_a_diff_of_two_commits_needs_no_world(federation):
    federation.write("manifests/www.yaml", record("www", ttl=600).replace("spec:", "lifecycle:\n  mode: warn\nspec:"))
    federation.write("manifests/new.yaml", record("new"))
    (federation.root / "manifests/vo.yaml").unlink()
    federation.commit()
    said = federation.hanse("diff", "HEAD~1", "HEAD")
    assert said.out == (
        "+ DNSRecord/vo.example.org/new\n"
        "~ DNSRecord/vo.example.org/www\n"
        "    spec.ttl: 300 -> 600\n"
        "    lifecycle.mode: enforce -> warn\n"
        "- VO/vo.example.org\n"
    )
    assert not (federation.root / ".hanse" / "hanse.db").exists()
    found = json.loads(federation.hanse("diff", "HEAD~1", "HEAD", "-o", "json").out)
    assert [d["what"] for d in found["differences"]] == ["added", "changed", "removed"]


def test_planning_loads_nothing_that_only_applying_needs(federation):
    script = (
        "import sys; from reconciler.cli import main; main(['-C', sys.argv[1], 'plan']); "
        "print([m for m in ('ansible', 'ansible_runner', 'libcloud', 'watchfiles', 'rich.progress') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(federation.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_and_version_load_neither_models_nor_databases():
    for command in ("--help", "version"):
        script = (
            f"import sys; from reconciler.cli import main; main(['{command}']); "
            "print([m for m in ('reconciler.model', 'sqlalchemy', 'git', 'networkx', 'structlog') if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment()
        )
        assert done.stdout.splitlines()[-1] == "[]"
