"""meter, report usage, export apel: from machines that stand to messages that APEL takes."""

from __future__ import annotations

import csv
import json
import subprocess
from datetime import UTC, datetime
from io import StringIO

import pytest

from reconciler.drivers.slurm.accounting import FIELDS
from reconciler.exchange.apel import read
from reconciler.exchange.apel.queue import elements
from tests.exchange.apel.test_sending import host

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


def test_a_signed_month_is_verified_by_openssl(bay):
    certificate, key = host(bay.root, now=datetime.now(UTC))
    signing = ["--certificate", str(certificate), "--key", str(key)]
    done = bay.hanse("export", "apel", "--into", str(bay.root / "out"), *signing)
    assert (done.code, "/CN=host.example.org is the hostDn of no accounting service" in done.err) == (0, True)
    (file,) = elements(bay.root / "out/eu-egi-cloud-accounting")
    command = ["openssl", "smime", "-verify", "-text", "-in", file, "-CAfile", certificate, "-purpose", "any"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(read(done.stdout, datetime.now(UTC)).records) == 1
    alone = bay.hanse("export", "apel", "--into", str(bay.root / "out"), "--key", str(key))
    assert (alone.code != 0, "go together" in alone.err) == (True, True)


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


def test_traffic_has_columns_where_somebody_counted_it(bay):
    assert "GB" not in bay.hanse("report", "usage").out
    with (bay.root / "hanse.toml").open("a") as settings:
        settings.write('\n[targets."compute:BAY/bay/vo-x".simulate]\nreceived_per_second = 1000000000\n')
    assert [bay.hanse("meter").code for _ in range(2)] == [0, 0]  # what was there before the first look is not counted
    head, line = bay.hanse("report", "usage").out.splitlines()[:2]
    assert head.split()[-4:] == ["IN", "GB", "OUT", "GB"]
    assert (line.split()[-2:], float(line.split()[-3].replace(",", "")) > 0) == (["0.000", "partial"], True)
    (row,) = csv.DictReader(StringIO(bay.hanse("report", "usage", "-o", "csv").out))
    assert list(row)[-4:] == ["received_gb", "sent_gb", "partial", "efficiency"]


def test_nothing_is_reported_of_a_month_in_which_nothing_was_seen(bay):
    assert "nothing was used" in bay.hanse("report", "usage", "-m", "2020-01").out


@pytest.mark.parametrize("words", [["-m", "2026-13"], ["-m", "yesterday"], ["--by", "colour"]])
def test_what_is_no_month_and_no_group_is_said(bay, words):
    assert bay.hanse("report", "usage", *words).code != 0


def test_a_site_that_there_is_not_is_said_with_the_nearest_name(bay):
    done = bay.hanse("export", "apel", "--into", str(bay.root / "out"), "--site", "BAI")
    assert (done.code, "did you mean BAY?" in done.err) == (1, True)


def sacct(*jobs: str) -> str:
    return "\n".join([FIELDS.replace(",", "|"), *jobs]) + "\n"


def job(number: int, account: str = "waves", end: str = "2026-10-05T02:00:00", cluster: str = "slurm") -> str:
    return (
        f"{number}|{cluster}|ada|{account}|main|COMPLETED|2026-10-05T00:00:00|{end}|7200|00:00:00|03:00:00|2|1||cpu=2"
    )


@pytest.fixture
def site(federation):
    extensions = "extensions: [{key: BenchmarkType, value: hepspec}, {key: Benchmark, value: '10'}]"
    federation.write(
        "manifests/bay.yaml",
        f"apiVersion: hanse/v1\nkind: Site\nmetadata: {{name: BAY}}\nspec: {{country: ES, {extensions}}}\n",
    )
    federation.commit()
    return federation


def taken_in(site, *jobs: str, more=()):
    site.write("jobs.txt", sacct(*jobs))
    return site.hanse("import", "sacct", "BAY", str(site.root / "jobs.txt"), "-m", "2026-10", *more)


def test_jobs_are_taken_in_and_told_and_a_month_replaces_itself(site):
    lost = job(3, end="2026-11-01T00:00:00")
    done = taken_in(site, job(1), job(2, "tides"), lost, more=["--vo", "waves=vo.waves"])
    assert (done.code, done.out) == (0, "2 jobs of 2026-10 at BAY\n")
    assert done.err == "1 jobs of another month or cluster are left out\n"
    assert taken_in(site, job(1), job(4), more=["--vo", "waves=vo.waves"]).code == 0
    (one,) = json.loads(site.hanse("report", "usage", "-m", "2026-10", "--by", "vo,user", "-o", "json").out)
    assert (one["vo"], one["user"], one["count"], one["partial"]) == ("vo.waves", "ada", 2, False)
    assert (one["core_hours"], one["cpu_hours"], one["efficiency"], one["work"]) == (8.0, 6.0, 0.75, 80.0)


def test_the_jobs_of_one_cluster_leave_those_of_another(site):
    assert taken_in(site, job(1), job(2, cluster="other")).code == 0
    assert taken_in(site, job(3), job(4), more=["--cluster", "slurm"]).code == 0
    (one,) = json.loads(site.hanse("report", "usage", "-m", "2026-10", "-o", "json").out)
    assert one["count"] == 3


@pytest.mark.parametrize(("how", "form"), [("records", "job"), ("summaries", "summary"), ("normalised", "normalised")])
def test_jobs_are_told_one_by_one_or_summed(site, how, form):
    assert taken_in(site, job(1), job(2)).code == 0
    done = site.hanse("export", "apel", "--into", str(site.root / "out"), "-m", "2026-10", "--jobs", how)
    assert done.code == 0
    assert f"BAY 2026-10: {form}: 1 messages" in done.out
    files = sorted((site.root / "out/gLite-APEL").glob("*/*"))
    assert len([read(file.read_text(), datetime.now(UTC)) for file in files]) == 2


def test_jobs_that_apel_would_refuse_are_kept_with_the_reason_until_they_are_right(site):
    site.write("manifests/bay.yaml", "apiVersion: hanse/v1\nkind: Site\nmetadata: {name: BAY}\nspec: {}\n")
    site.commit()
    assert "BAY has no benchmark" in taken_in(site, job(1)).err
    done = site.hanse("export", "apel", "--into", str(site.root / "out"), "-m", "2026-10")
    assert done.code == 1
    (kept,) = json.loads((site.root / "out/rejected/2026-10/BAY/job.json").read_text())
    assert "must both be given" in kept["reason"]
    assert kept["record"]["LocalJobId"] == "1"
    taken_in(site)
    assert site.hanse("export", "apel", "--into", str(site.root / "out"), "-m", "2026-10").code == 0
    assert not (site.root / "out/rejected/2026-10/BAY/job.json").exists()


def test_an_account_without_a_vo_is_said(site):
    done = taken_in(site, job(1), more=["--vo", "waves"])
    assert (done.code != 0, "write ACCOUNT=VO" in done.err) == (True, True)


def test_machines_are_told_as_sums_where_these_are_asked_for(bay):
    done = bay.hanse("export", "apel", "--into", str(bay.root / "out"), "--clouds", "summaries")
    assert (done.code, "cloud-summary: 1 messages" in done.out) == (0, True)
    (file,) = elements(bay.root / "out/eu-egi-cloud-accounting")
    text = file.read_text()
    assert text.startswith("APEL-cloud-summary-message: v0.4\n")
    (record,) = read(text, datetime.now(UTC)).records
    assert (record["NumberOfVMs"], record["VO"], record["SiteName"]) == (1, "vo-x", "BAY-LCG2")
    assert bay.hanse("export", "apel", "--into", "out", "--clouds", "guesses").code != 0
