"""New data is noticed at once: it is copied without waiting for the interval, and who waits for it is told."""

from __future__ import annotations

import json

import pytest
import requests

from tests.cli.conftest import record
from tests.real.waiting import PATIENCE, until
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
    url, log = federation.listening()
    yield url, log
    log.end()


def disk(federation, site, path):
    return federation.root / ".hanse/state/storage" / site / "disk" / path


def test_what_comes_into_a_datasets_folder_is_copied_at_once_and_a_consumer_is_told(federation, running):
    url, log = running
    there = disk(federation, "BETA", "ocean/waves")
    parameters = {"dataset": "ocean:waves", "copies": "1", "at": "country=DE"}
    with requests.get(f"{url}/v1/datasets/events", params=parameters, stream=True, timeout=PATIENCE) as answer:
        told = (json.loads(line[5:]) for line in answer.iter_lines(decode_unicode=True) if line.startswith("data:"))
        met = next(fact for fact in told if fact["met"])
    assert (met["dataset"], met["storages"]) == ("ocean:waves", ["BETA/disk"])
    until("the first file is copied", (there / "1.csv").exists, why=log)
    assert "Dataset/vo.example.org/waves" in log.first("data has moved")["concerned"]
    disk(federation, "ALPHA", "incoming/2.csv").write_text("2")
    until("the second file is copied", (there / "2.csv").exists, why=log)


def test_a_file_taken_away_behind_our_back_is_brought_back_at_once(federation, running):
    _, log = running
    there = disk(federation, "BETA", "ocean/waves/1.csv")
    until("it is copied", there.exists, why=log)
    log.first("data has moved")
    there.unlink()
    until("it is copied again", there.exists, why=log)


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
  source: {web}/held/{size}
"""


def test_a_commit_is_done_while_a_transfer_goes_on_and_the_transfer_is_not_begun_again(federation, running, web):
    _, log = running
    size = 60_000_000
    federation.write("manifests/slow.yaml", SLOW.format(web=web, size=size))
    federation.commit()
    incoming = disk(federation, "ALPHA", ".hanse/incoming")
    [part] = until("a transfer has begun", lambda: list(incoming.glob("*.part")), why=log)
    until("it moves", lambda: part.stat().st_size, lambda come: come > 100_000, why=log)
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    zones = federation.root / ".hanse/state/dns"
    records = lambda: "".join(zone.read_text() for zone in zones.rglob("*") if zone.is_file())  # noqa: E731
    until("the name is there", records, lambda text: "192.0.2.20" in text, why=log)
    assert list(incoming.glob("*.part")) == [part], str(log)
    requests.get(f"{web}/let-go/{size}", timeout=PATIENCE)
    until("the file is whole", disk(federation, "ALPHA", "slow.nc").exists, why=log)
    assert disk(federation, "ALPHA", "slow.nc").stat().st_size == size
