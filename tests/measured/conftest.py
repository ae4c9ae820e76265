"""``hanse run`` as Prometheus sees it: a real loop in which somebody has changed a record behind its back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.cli.conftest import VO, environment, record
from tests.real.receiver import Receiver, receiver
from tests.real.waiting import PATIENCE, until

CANARY = "c4n4ry-t0k3n"
SETTINGS = """\
[web]
open = ["metrics"]
url = "https://hanse.example.org"

[run]
interval_seconds = 1
meter_seconds = 0
jobs_seconds = 0

[[notify]]
name = "ops"
url = { env = "WHERE" }
events = ["drift", "not-ready"]
digest_seconds = 1

[[notify]]
name = "lost"
apprise = { env = "NOWHERE" }
events = ["drift"]
digest_seconds = 1
"""


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def started(root: Path, *arguments: str, **variables: str) -> tuple[subprocess.Popen, Path]:
    """``hanse run`` in a process of its own, and where it logs."""
    log = root / f"log{len(arguments)}"
    command = [sys.executable, "-m", "reconciler.cli", "-C", str(root), "run", "--listen", "127.0.0.1:0", *arguments]
    with log.open("ab") as told:
        return subprocess.Popen(command, env=environment(**variables), stderr=told, start_new_session=True), log


def ended(process: subprocess.Popen) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                continue


def logged(log: Path) -> list[dict]:
    """What it has logged so far, but for a line that is being written."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]


def listening(log: Path) -> str:
    return next((one["url"] for one in logged(log) if one["message"] == "listening"), "")


@dataclass(frozen=True)
class Ran:
    """What a loop did that has found drift."""

    text: str
    """Of ``GET /metrics``."""
    told: list[dict]
    """What was posted to who subscribed."""
    log: str
    beside: str
    """Of ``GET /metrics`` of one that stands by."""


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> Ran:
    """A loop that has found drift, told of it, and could not tell somebody else."""
    with receiver() as hook:
        return followed(tmp_path_factory.mktemp("measured"), hook)


def followed(root: Path, hook: Receiver) -> Ran:
    git(root, "init", "-q")
    (root / "hanse.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "manifests").mkdir()
    (root / "manifests/vo.yaml").write_text(VO, encoding="utf-8")
    (root / "manifests/www.yaml").write_text(record("www"), encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "the first")
    process, log = started(root, WHERE=hook.url, NOWHERE=f"json://127.0.0.1:1/{CANARY}")
    try:
        served = until("it listens", lambda: listening(log), why=log.read_text)
        done = 'hanse_actions_total{kind="DNSRecord",outcome="done",verb="create"} 1.0'
        metrics = lambda: requests.get(f"{served}/metrics", timeout=PATIENCE).text  # noqa: E731
        until("a name is made", metrics, lambda text: done in text, why=log.read_text)
        watched = record("www").replace("metadata:\n", "lifecycle: {mode: warn}\nmetadata:\n")
        (root / "manifests/www.yaml").write_text(watched, encoding="utf-8")
        git(root, "commit", "-q", "-a", "-m", "from now on it is only watched")
        planned = lambda: {one["commit"] for one in logged(log) if one["message"] == "planned"}  # noqa: E731
        until("the next commit is planned", planned, lambda commits: len(commits) > 1, why=log.read_text)
        (zone,) = (root / ".hanse/state/dns").glob("*.zone")
        zone.write_text(zone.read_text().replace("192.0.2.10", "192.0.2.99"), encoding="utf-8")
        wanted = (
            'hanse_drifted_resources{kind="DNSRecord"} 1.0',
            'hanse_notifications_total{outcome="sent",subscription="ops"}',
            'hanse_notifications_total{outcome="failed",subscription="lost"}',
        )
        drifted = lambda text: all(one in text for one in wanted)  # noqa: E731
        text = until("drift is told", metrics, drifted, why=log.read_text)
        other, beside = started(root, "--standby", WHERE=hook.url, NOWHERE=f"json://127.0.0.1:1/{CANARY}")
        try:
            where = until("the other listens", lambda: listening(beside), why=beside.read_text)
            return Ran(text, hook.told(), log.read_text(), requests.get(f"{where}/metrics", timeout=PATIENCE).text)
        finally:
            ended(other)
    finally:
        ended(process)


@pytest.fixture(scope="session")
def scraped(ran) -> str:
    """What ``GET /metrics`` says once drift was found."""
    return ran.text
