"""New data is noticed at once: it is copied without waiting for the interval, and who waits for it is told."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest
import requests

from tests.cli.conftest import record
from tests.real.web import web

__all__ = ["web"]

MANIFESTS = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: ALPHA
spec:
  officialName: Alpha
  country: ES
  storage:
    - name: disk
      driver: directory
---
apiVersion: hanse/v1
kind: Site
metadata:
  name: BETA
spec:
  officialName: Beta
  country: DE
  storage:
    - name: disk
      driver: directory
---
apiVersion: hanse/v1
kind: Dataset
metadata:
  name: waves
  namespace: vo.example.org
spec:
  scope: ocean
  name: waves
  listing: { site: ALPHA, storage: disk, path: incoming }
---
apiVersion: hanse/v1
kind: DatasetRule
metadata:
  name: waves
  namespace: vo.example.org
spec:
  scope: ocean
  name: waves
  copies: 1
  locations: country=DE
"""


@pytest.fixture
def running(federation):
    """The loop, with an interval so long that only events wake it; the URL that it listens on."""
    federation.write("manifests/data.yaml", MANIFESTS)
    federation.commit()
    disk(federation, "ALPHA", "incoming/1.csv").parent.mkdir(parents=True)
    disk(federation, "ALPHA", "incoming/1.csv").write_text("1")
    process = federation.start("run", "--interval", "3600", "--listen", "127.0.0.1:0")
    said, found = [], threading.Event()

    def gather():
        for line in process.stderr:
            said.append(line)
            if "listening" in line:
                found.set()

    reader = threading.Thread(target=gather, daemon=True)
    reader.start()
    assert found.wait(60), said
    yield re.search(r'http://127[^"]*', "".join(said)).group(), said
    process.terminate()
    process.wait(60)
    reader.join(10)


def disk(federation, site, path):
    return federation.root / ".hanse/state/storage" / site / "disk" / path


def soon(holds, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_what_comes_into_a_datasets_folder_is_copied_at_once_and_a_consumer_is_told(federation, running):
    url, said = running
    there = disk(federation, "BETA", "ocean/waves")
    parameters = {"dataset": "ocean:waves", "copies": "1", "at": "country=DE"}
    with requests.get(f"{url}/v1/datasets/events", params=parameters, stream=True, timeout=90) as answer:
        told = (json.loads(line[5:]) for line in answer.iter_lines(decode_unicode=True) if line.startswith("data:"))
        met = next(fact for fact in told if fact["met"])
    assert (met["dataset"], met["storages"]) == ("ocean:waves", ["BETA/disk"])
    assert soon((there / "1.csv").exists), "".join(said)
    time.sleep(1.5)
    disk(federation, "ALPHA", "incoming/2.csv").write_text("2")
    assert soon((there / "2.csv").exists), "".join(said)
    assert any("data has moved" in line and "Dataset/vo.example.org/waves" in line for line in said)


def test_a_file_taken_away_behind_our_back_is_brought_back_at_once(federation, running):
    _, said = running
    there = disk(federation, "BETA", "ocean/waves/1.csv")
    assert soon(there.exists), "".join(said)
    time.sleep(1.5)
    there.unlink()
    assert soon(there.exists), "".join(said)


SLOW = """\
apiVersion: hanse/v1
kind: Replica
metadata:
  name: slow
  namespace: vo.example.org
spec:
  storage: {{ site: ALPHA, name: disk }}
  path: slow.nc
  size: {size}
  source: {web}/slow/{size}
"""


def test_a_commit_is_done_while_a_transfer_goes_on_and_the_transfer_is_not_begun_again(federation, running, web):
    _, said = running
    size = 60_000_000
    federation.write("manifests/slow.yaml", SLOW.format(web=web, size=size))
    federation.commit()
    incoming = disk(federation, "ALPHA", ".hanse/incoming")
    assert soon(lambda: any(part.stat().st_size > 1_000_000 for part in incoming.glob("*.part"))), "".join(said)
    [part] = incoming.glob("*.part")
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    zones = federation.root / ".hanse/state/dns"
    assert soon(lambda: any("192.0.2.20" in zone.read_text() for zone in zones.rglob("*") if zone.is_file()), 30)
    assert list(incoming.glob("*.part")) == [part], "".join(said)
    assert soon(disk(federation, "ALPHA", "slow.nc").exists, 90), "".join(said)
    assert disk(federation, "ALPHA", "slow.nc").stat().st_size == size
