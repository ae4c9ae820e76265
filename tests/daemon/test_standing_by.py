"""Several reconcilers on one PostgreSQL: one leads, and when it dies or hangs another takes over where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers.simulated import World, world_path
from tests.cli.conftest import environment
from tests.house import commit
from tests.real.waiting import PATIENCE, until

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: BAY}}
spec:
  clouds:
    - name: one
      driver: simulated
      endpoint: https://bay.example.org/v3
      shares: [{{vo: vo.example.org, projectId: "{zeros}"}}]
---
apiVersion: hanse/v1
kind: VO
metadata: {{name: vo.example.org}}
spec: {{}}
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: c{n:02}, namespace: tides}}
spec:
  vo: vo.example.org
  site: BAY
  frontend: {{image: debian-12, cpus: 1}}
"""
SETTINGS = """\
[records]
url = "{url}"
[run]
interval_seconds = 2
lease_seconds = 6
meter_seconds = 0
[apply]
workers = 2
[targets."compute:BAY/one/vo.example.org"]
simulate = {{faults = [{{on = "create", kind = "hang", every = 1, seconds = {hang}}}]}}
"""
CLUSTERS = 16


@pytest.fixture
def root(tmp_path: Path, postgresql) -> Path:
    root = tmp_path / "fed"
    files = {f"c{n:02}.yaml": CLUSTER.format(n=n) for n in range(CLUSTERS)}
    commit(root, {"site.yaml": SITE.format(zeros="0" * 32), **files})
    (root / "hanse.toml").write_text(SETTINGS.format(url=postgresql.fresh(), hang=1.5))
    yield root
    World.close_all()


@contextmanager
def daemon(root: Path, name: str):
    """A reconciler that stands by, its log in a file."""
    log = root / f"{name}.log"
    with log.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler.cli", "-C", str(root), "run", "--standby"],
            stderr=err,
            stdout=err,
            env=environment(),
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(log: Path) -> list[str]:
    """What it has logged so far, but for a line that is being written."""
    lines = log.read_text().splitlines()
    return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("}")]


def says(log: Path, message: str, times: int = 1) -> None:
    """Wait until it has logged so as often as that."""
    until(f"{log.name} says {message!r}", lambda: said(log), lambda lines: lines.count(message) >= times)


def quicker(root: Path) -> None:
    """Who begins from now on has a cloud that is not so slow."""
    settings = root / "hanse.toml"
    settings.write_text(settings.read_text().replace("seconds = 1.5", "seconds = 0.2"))


def nodes(root: Path) -> list[str]:
    path = world_path(str(root / ".hanse/state/compute"), "BAY/one/vo.example.org")
    return World.open(path).names() if path.exists() else []


def history(root: Path, *asked: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "reconciler.cli", "-C", str(root), "history", *asked, "--output", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environment()).stdout)


def assert_it_is_told_what_was_interrupted(root: Path) -> None:
    """Of each create that was begun by the killed run, once, beside what has finished it."""
    [killed] = [run for run in history(root, "--limit", "1000") if run["state"] == "interrupted"]
    told = [one for one in history(root, "--run", killed["id"], "--limit", "1000") if one["state"] == "interrupted"]
    assert len({one["ref"] for one in told}) == len(told) == killed["counts"]["open"] >= 1
    assert {(one["verb"], one["commit"]) for one in told} == {("create", killed["commit"])}
    ended, begun = history(root, told[0]["ref"])
    assert (ended["state"], begun) == ("done", told[0])
    assert ended["run"] != killed["id"]


@pytest.mark.parametrize(("how", "others"), [("killed", 1), ("frozen", 1), ("frozen", 2)])
def test_when_the_leader_is_lost_half_way_the_other_goes_on_and_nothing_is_made_twice(root, how, others):
    with daemon(root, "first") as (first, first_log), ExitStack() as stack:
        says(first_log, "running")
        quicker(root)
        waiting = [stack.enter_context(daemon(root, f"other{number}")) for number in range(others)]
        for _, log in waiting:
            says(log, "standing by")
        until("some are made", lambda: nodes(root), lambda made: len(made) >= 3)
        os.killpg(first.pid, signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        begun = len(nodes(root))
        assert begun < CLUSTERS
        until(
            "another leads",
            lambda: [said(log) for _, log in waiting],
            lambda logs: any("running" in log for log in logs),
        )
        until("all are made", lambda: nodes(root), lambda made: len(made) == CLUSTERS)
        if how == "frozen":
            os.killpg(first.pid, signal.SIGCONT)
            says(first_log, "standing by")
        (leader, leaders_log), *rest = sorted(waiting, key=lambda one: "running" not in said(one[1]))
        assert [log for _, log in rest if "running" in said(log)] == []
        says(leaders_log, "done", CLUSTERS - begun)
        assert how == "killed" or first.poll() is None
        assert all(process.poll() is None for process, _ in waiting)
        assert Counter(nodes(root)).most_common(1)[0][1] == 1
        assert len(nodes(root)) == CLUSTERS
        leader.send_signal(signal.SIGTERM)
        assert leader.wait(PATIENCE) == 0
        if how == "killed":
            assert_it_is_told_what_was_interrupted(root)
        if how == "frozen":
            standing = [(first, first_log, 2), *((process, log, 1) for process, log in rest)]
            until("one of them leads", lambda: any(said(log).count("running") == times for _, log, times in standing))
            for process, _, _ in standing:
                process.send_signal(signal.SIGTERM)
            assert [process.wait(PATIENCE) for process, _, _ in standing] == [0] * others


def test_who_stands_by_ends_when_told(root):
    with daemon(root, "first") as (_, first_log):
        says(first_log, "running")
        with daemon(root, "second") as (second, second_log):
            says(second_log, "standing by")
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE) == 0
