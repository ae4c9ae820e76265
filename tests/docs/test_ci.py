"""The pipelines of ``plan-in-ci.md`` are run: what they install is there, what they say is told to a forge."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.cli.conftest import VO, record
from tests.docs.replay import ROOT, blocks
from tests.real.forges import TOKEN, forge_server
from tests.source.repository import commit, git

PAGE = (ROOT / "docs/how-to/plan-in-ci.md").read_text()
PIPELINES = {block.file: YAML(typ="safe").load(block.body) for block in blocks(PAGE) if block.file}
FILES = {
    "github": ".github/workflows/plan.yml",
    "gitlab": ".gitlab-ci.yml",
    "gitea": ".forgejo/workflows/plan.yml",
}
EVIL = "HANSE-IS-NOT-TO-READ-THIS = [\n"


@pytest.fixture(params=FILES)
def forge(request):
    with forge_server(request.param) as made:
        yield made


@pytest.fixture
def checkout(tmp_path):
    """A clone of a repository with a pull request; the head brings a hanse.toml that nobody must read."""
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    git(upstream, "init", "-q", "-b", "main")
    commit(upstream, {"manifests/vo.yaml": VO, "hanse.toml": "", ".gitignore": ".hanse\nplan.md\n"})
    git(upstream, "checkout", "-q", "-b", "topic")
    commit(upstream, {"manifests/new.yaml": record("new"), "hanse.toml": EVIL})
    git(upstream, "checkout", "-q", "main")
    commit(upstream, {"manifests/other.yaml": record("other", last=30)})
    git(tmp_path, "clone", "-q", str(upstream), "clone")
    return tmp_path / "clone"


def expressions(server, head: str) -> dict[str, str]:
    """What the forge puts in place of ``${{ ... }}``."""
    return {
        "github.event.pull_request.head.sha": head,
        "github.event.number": "7",
        "github.base_ref": "main",
        "github.api_url": server.url,
        "github.server_url": server.url,
        "github.repository": "ocean/federation",
        "github.token": TOKEN,
        "secrets.FORGE_TOKEN": TOKEN,
        "secrets.HANSE_RECORDS_URL": "",
    }


def job(server, head: str) -> tuple[dict[str, str], list[str]]:
    """Its environment, and its commands."""
    found = PIPELINES[FILES[server.kind]]
    if server.kind == "gitlab":
        given = {
            "CI_COMMIT_SHA": head,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_SERVER_URL": server.url,
            "CI_PROJECT_PATH": "ocean/federation",
            "FORGE_TOKEN": TOKEN,
        }
        own = {
            name: re.sub(r"\$(\w+)", lambda one: given[one[1]], str(value))
            for name, value in found["plan"]["variables"].items()
        }
        return {**given, **own}, found["plan"]["script"]
    steps = found["jobs"]["plan"]
    known = expressions(server, head)
    own = {name: re.sub(r"\$\{\{ (\S+) \}\}", lambda one: known[one[1]], value) for name, value in steps["env"].items()}
    return own, [step["run"] for step in steps["steps"] if "run" in step]


def test_a_pipeline_tells_the_plan_and_the_status(forge, checkout, tmp_path):
    head = git(checkout, "rev-parse", "origin/topic")
    forge.pulls.append((7, head, "main"))
    environment, commands = job(forge, head)
    hanse = tmp_path / "bin" / "hanse"
    hanse.parent.mkdir()
    hanse.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m reconciler.cli "$@"\n')
    hanse.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANSE_", "GIT_"))}
    given = {name: value for name, value in environment.items() if value or name != "HANSE_RECORDS__URL"}
    around = {**kept, **given, "PYTHONPATH": str(ROOT), "PATH": f"{hanse.parent}:{kept['PATH']}"}
    for command in commands:
        if not command.startswith("pip install"):
            words = ["bash", "-e", "-o", "pipefail", "-c", command]
            done = subprocess.run(words, cwd=checkout, env=around, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            assert TOKEN not in done.stdout + done.stderr
    (told,) = forge.told(7)
    assert "create DNSRecord/vo.example.org/new" in told
    assert "DNSRecord/vo.example.org/other" not in told
    assert [(commit, state) for commit, state, _ in forge.statuses] == [(head, "pending"), (head, "success")]


@pytest.mark.parametrize("file", FILES.values())
def test_a_pipeline_puts_nothing_that_others_write_into_a_script(file):
    """``${{ }}`` in a script is an injection: it may stand in the environment and in what is passed to an action."""
    found = PIPELINES[file]
    scripts = found["plan"]["script"] if "plan" in found else [s.get("run", "") for s in found["jobs"]["plan"]["steps"]]
    assert not any("${{" in one for one in scripts)


@pytest.mark.parametrize(
    ("kind", "name"), [("github", "github-actions"), ("gitlab", "gitlab-ci"), ("gitea", "forgejo-actions")]
)
def test_the_pipeline_that_is_a_file_is_the_one_on_the_page(kind, name):
    file = (ROOT / f"docs/examples/ci/{name}.yml").read_text()
    assert [block.body for block in blocks(PAGE) if block.file == FILES[kind]] == [file]


def test_every_forge_has_its_example():
    assert set(PIPELINES) == set(FILES.values())
    assert Path(ROOT / "docs/how-to/webhooks.md").is_file()
