"""meter, report usage, export apel: from machines that stand to messages that APEL takes."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from io import StringIO

import pytest

from reconciler.exchange.apel import read

FILES = """apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec:
  country: ES
  clouds:
    - name: bay
      driver: simulated
      endpoint: https://cloud.bay.example.org:5000/v3
      accounting: {enabled: true, siteName: BAY-LCG2, properties: {benchmarkType: HEPscore23, benchmark: 12.5}}
      shares: [{vo: vo-x}]
---
{apiVersion: hanse/v1, kind: VO, metadata: {name: vo-x}, spec: {}}
---
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: c, namespace: vo-x}
spec: {vo: vo-x, site: BAY, frontend: {cpus: 2, ramMiB: 2048, image: debian-12}}
"""
MONTH = f"{datetime.now(UTC):%Y-%m}"


@pytest.fixture
def bay(federation):
    federation.write("manifests/bay.yaml", FILES)
    federation.commit()
    assert federation.hanse("apply", "--yes").code == 0
    assert federation.hanse("meter").out == "1 machines stand\n"
    assert federation.hanse("meter").code == 0
    return federation


def test_a_machine_becomes_a_message_that_is_read_again(bay, monkeypatch):
    monkeypatch.chdir(bay.root)
    done = bay.hanse("export", "apel", "--into", "out")
    assert (done.code, done.out) == (0, f"BAY-LCG2 {MONTH}: cloud: 1 messages in out/eu-egi-cloud-accounting\n")
    (file,) = (bay.root / "out").glob("eu-egi-cloud-accounting/????????/??????????????")
    (record,) = read(file.read_text(), datetime.now(UTC)).records
    assert {k: record[k] for k in ("SiteName", "FQAN", "Status", "CloudComputeService", "Benchmark")} == {
        "SiteName": "BAY-LCG2",
        "FQAN": "vo-x",
        "Status": "started",
        "CloudComputeService": "cloud.bay.example.org",
        "Benchmark": 12.5,
    }


def test_machines_of_a_cloud_that_is_not_accounted_are_told_of(bay):
    bay.write("manifests/bay.yaml", FILES.replace("enabled: true", "enabled: false"))
    bay.commit()
    done = bay.hanse("export", "apel", "--into", str(bay.root / "out"))
    assert (done.code, done.out) == (0, "")
    assert done.err == "BAY/bay: accounting is not enabled: 1 machines are left out\n"


def test_usage_is_reported_and_marked_while_the_month_goes_on(bay):
    lines = bay.hanse("report", "usage", "--by", "country,vo").out.splitlines()
    assert lines[0].split()[:3] == ["COUNTRY", "VO", "KIND"]
    assert lines[1].split()[:4] == ["ES", "vo-x", "vm", "1"]
    assert lines[1].endswith("partial")
    (one,) = json.loads(bay.hanse("report", "usage", "-o", "json").out)
    assert (one["month"], one["site"], one["count"], one["partial"], one["efficiency"]) == (MONTH, "BAY", 1, True, None)
    (row,) = csv.DictReader(StringIO(bay.hanse("report", "usage", "-o", "csv", "--site", "BAY").out))
    assert (row["vo"], row["kind"]) == ("vo-x", "vm")


def test_nothing_is_reported_of_a_month_in_which_nothing_was_seen(bay):
    assert "nothing was used" in bay.hanse("report", "usage", "-m", "2020-01").out


@pytest.mark.parametrize("words", [["-m", "2026-13"], ["-m", "yesterday"], ["--by", "colour"]])
def test_what_is_no_month_and_no_group_is_said(bay, words):
    assert bay.hanse("report", "usage", *words).code != 0


def test_a_site_that_there_is_not_is_said_with_the_nearest_name(bay):
    done = bay.hanse("export", "apel", "--into", str(bay.root / "out"), "--site", "BAI")
    assert (done.code, "did you mean BAY?" in done.err) == (1, True)
