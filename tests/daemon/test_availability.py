"""Availability beside the loop: when it is due, what is computed, and that what has not changed is left alone."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.daemon import availability as availability_
from reconciler.daemon.availability import Almanac, Looked, compute, keep_computing
from reconciler.kinds import registry
from reconciler.manifest import Memory
from reconciler.model import Ref
from reconciler.ports import CheckResult
from reconciler.reconcile import House
from reconciler.records.store import open_store
from reconciler.records.told import Told
from reconciler.settings import load
from reconciler.wiring import Wired
from tests.real.waiting import PATIENCE, until

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: NORTH}}
spec:
  services:
    - {{name: dav, type: webdav, hostname: dav.north.example.org}}
---
apiVersion: hanse/v1
kind: Probe
metadata: {{name: dav, namespace: vo-x}}
spec:
  target: {{siteService: {{site: NORTH, service: dav}}}}
  plugin: check_tcp
  attempts: 1
{more}"""
AGAIN = """\
---
apiVersion: hanse/v1
kind: Recomputation
metadata: {name: again}
spec:
  reason: the network of the monitor was down
  requester: {name: A, email: a@example.org}
  start: 2026-11-09T00:00:00Z
  end: 2026-11-09T06:00:00Z
  exclude: [NORTH]
"""


def test_a_day_is_due_shortly_after_its_end_and_a_commit_at_once():
    almanac = Almanac(3600)
    assert almanac.due("a", NOON) == date(2026, 10, 1)
    assert almanac.due("a", NOON + timedelta(minutes=30)) is None
    assert almanac.due("b", NOON + timedelta(minutes=31)) == date(2026, 10, 1)
    assert almanac.due("b", NOON + timedelta(minutes=92)) == date(2026, 11, 10)
    midnight = datetime(2026, 11, 11, tzinfo=UTC)
    assert almanac.due("b", midnight + timedelta(minutes=4)) == date(2026, 11, 10)
    assert almanac.due("b", midnight + timedelta(minutes=5)) == date(2026, 10, 1)


@pytest.fixture
def house(tmp_path):
    root = tmp_path / "federation"
    (root / "manifests").mkdir(parents=True)
    (root / "hanse.toml").write_text("")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    settings = load(root, {})
    with open_store(settings.records.url, lambda: NOON) as store:
        house = House(
            settings, Wired(settings, catalogue=store.catalogue), store, Memory.open(root / ".cache", registry())
        )
        house.clock = lambda: NOON
        yield house


def commit(house, more="", day="2026-11-01"):
    root = house.settings.source.repository
    Path(root, "manifests/site.yaml").write_text(SITE.format(more=more))
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    when = {"GIT_AUTHOR_DATE": f"{day}T00:00:00Z", "GIT_COMMITTER_DATE": f"{day}T00:00:00Z", "PATH": "/usr/bin:/bin"}
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)
    subprocess.run(["git", "-C", root, *identity, "commit", "-qm", "x"], check=True, env=when)
    return subprocess.check_output(["git", "-C", root, "rev-parse", "HEAD"], text=True).strip()


def tell(house, *hours, day=9, status="OK"):
    at = [datetime(2026, 11, day, hour, tzinfo=UTC) for hour in hours]
    house.store.telling.add([Told(Ref("Probe/vo-x/dav"), one, CheckResult(status, "x"), 1) for one in at])


def availability(house, day=9):
    (row,) = house.store.uptime.rows("Default", date(2026, 11, day), date(2026, 11, day))
    return row.availability, row.unknown


def test_days_that_are_over_are_computed_once(house):
    tip = commit(house)
    tell(house, 0, 6, 12)
    assert compute(house, tip, date(2026, 11, 9), NOON) == 2
    assert availability(house) == (100.0, 0.0)
    assert compute(house, tip, date(2026, 11, 9), NOON) == 1, "today alone is not over"


def test_a_recomputation_is_followed(house):
    first = commit(house)
    tell(house, 0, 6, 12)
    compute(house, first, date(2026, 11, 9), NOON)
    tip = commit(house, AGAIN, "2026-11-10")
    assert compute(house, tip, date(2026, 11, 9), NOON) == 2
    assert availability(house) == (100.0, 0.25)


def test_results_that_come_late_are_followed(house):
    tip = commit(house)
    tell(house, 0)
    compute(house, tip, date(2026, 11, 9), NOON)
    tell(house, 12, status="CRITICAL")
    assert availability(house)[0] == 100.0
    house.store.uptime.reopen([date(2026, 11, 9), date(2026, 11, 10)])
    assert compute(house, tip, date(2026, 11, 10), NOON) == 2
    assert availability(house)[0] == 50.0


def test_what_was_looked_at_once_is_not_read_again(house, monkeypatch):
    commit(house, day="2026-11-05")
    tip = commit(house, AGAIN, "2026-11-08")
    tell(house, 0, 12)
    looked = Looked()
    assert compute(house, tip, date(2026, 11, 6), NOON, looked) == 2
    read = []
    load = availability_.manifest.load
    monkeypatch.setattr(availability_.manifest, "load", lambda *asked: read.append(asked[0].commit) or load(*asked))
    assert compute(house, tip, date(2026, 11, 6), NOON, looked) == 1
    assert read == [tip], "today is computed from what is read anyway"


def test_it_goes_on_until_it_is_told_to_stop(house, monkeypatch):
    monkeypatch.setattr("reconciler.daemon.availability._LOOK", 0.01)
    tip, stop = commit(house), threading.Event()
    tell(house, 0)
    thread = threading.Thread(target=keep_computing, args=(house, lambda: tip, stop))
    thread.start()
    until("it has computed", house.store.uptime.reports)
    stop.set()
    thread.join(PATIENCE)
    assert house.store.uptime.reports() == ("Default",)
