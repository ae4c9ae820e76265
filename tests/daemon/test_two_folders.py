"""Two reconcilers with a state folder each share one PostgreSQL and nothing else: who comes next finds everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.records.store import open_store
from tests.cli.conftest import environment
from tests.daemon.test_standing_by import daemon, history, said, says
from tests.house import commit
from tests.real.waiting import PATIENCE

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec: {country: DE}
"""
VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: VO.example.org}
spec: {}
"""
SETTINGS = """\
[source]
repository = "{repository}"
[records]
url = "{url}"
[run]
interval_seconds = 2
lease_seconds = 10
meter_seconds = 0
"""


@pytest.fixture
def machines(tmp_path: Path, postgresql):
    """Two folders, a commit and a database."""
    commit(tmp_path / "fed", {"site.yaml": SITE, "vo.yaml": VO.replace("VO.", "tides.")})
    url = postgresql.fresh()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hanse.toml").write_text(SETTINGS.format(repository=tmp_path / "fed", url=url))
    return tmp_path / "one", tmp_path / "two", url


def plan(folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "reconciler.cli", "-C", str(folder), "plan"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    return done.returncode, done.stdout + done.stderr


def registered(url: str) -> dict[str, str]:
    with open_store(url, lambda: datetime.now(UTC)) as store:
        return {one.name: one.uid for one in store.documents.table("sites", Path("nowhere")).read().documents.values()}


def test_who_leads_next_with_an_empty_folder_finds_what_was_registered_and_makes_nothing_again(machines):
    one, two, url = machines
    with daemon(one, "one") as (first, first_log):
        says(first_log, "done", 2)
        with daemon(two, "two") as (second, second_log):
            says(second_log, "standing by")
            before = registered(url)
            assert set(before) == {"BAY"}
            os.killpg(first.pid, signal.SIGKILL)
            says(second_log, "running")
            commit(one.parent / "fed", {"other.yaml": VO.replace("VO.", "fjord.")})
            says(second_log, "done")
            assert plan(two)[0] == 0, plan(two)
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE) == 0
            assert said(second_log).count("done") == 1, second_log.read_text()
    assert registered(url) == before
    made = sorted(
        (told["verb"], told["ref"]) for told in history(two, "Site/BAY") + history(two, "VO/fjord.example.org")
    )
    assert made == [("create", "Site/BAY"), ("create", "VO/fjord.example.org")]
    assert [found for folder in (one, two) for found in folder.rglob("registry.sqlite")] == []
