"""report availability, explain availability: from results of probes to numbers, and back to the result."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from reconciler.model import Ref
from reconciler.ports import CheckResult
from reconciler.records.store import open_store

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: NORTH}}
spec:
  ngi: NGI_X
  country: DE
  certification: Certified
  infrastructure: Production
  services:
    - {{name: nova, type: org.openstack.nova, hostname: cloud.north.org, production: true}}
    - {{name: dav, type: webdav, hostname: dav.north.org, production: {production}}}
"""
PROBE = """\
apiVersion: hanse/v1
kind: Probe
metadata: {{name: {name}, namespace: vo-x}}
spec:
  target: {{siteService: {{site: NORTH, service: {name}}}}}
  plugin: check_http
  attempts: 2
---
"""
RECOMPUTATION = """\
apiVersion: hanse/v1
kind: Recomputation
metadata: {name: cut-off}
spec:
  requester: {name: Maria Watt}
  reason: the monitor was cut off
  start: 2026-10-02T10:00:00Z
  end: 2026-10-02T11:00:00Z
  appliedStatusChanges: [{site: NORTH, state: OK}]
"""


def committed(federation, when: datetime) -> None:
    """All files, committed as if at that time."""
    federation.git("add", "-A")
    dated = {"GIT_COMMITTER_DATE": when.isoformat(), "GIT_AUTHOR_DATE": when.isoformat()}
    words = [
        "git",
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "then",
    ]
    subprocess.run(words, cwd=federation.root, check=True, env={**os.environ, **dated})


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return FIRST.replace(day=day, hour=hour, minute=minute)


@pytest.fixture
def north(federation):
    """Three days of a site: on the second its cloud fails from 10:00 (hard from 10:15) to 11:00."""
    for path in (federation.root / "manifests").glob("*.yaml"):
        path.unlink()
    federation.write("manifests/site.yaml", SITE.format(production="true"))
    federation.write("manifests/probes.yaml", PROBE.format(name="nova") + PROBE.format(name="dav"))
    committed(federation, FIRST - timedelta(days=3))
    with open_store(f"sqlite:///{federation.root}/.hanse/hanse.db", lambda: FIRST) as store:
        for quarter in range(4 * 24 * 3):
            when = FIRST + timedelta(minutes=15 * quarter)
            bad = at(2, 10) <= when < at(2, 11)
            if when.minute and not bad:
                continue
            result = CheckResult("CRITICAL", f"refused at {when:%H:%M}") if bad else CheckResult("OK", "fine")
            store.probes.add_result(Ref("Probe/vo-x/nova"), result, 2, when)
            store.probes.add_result(Ref("Probe/vo-x/dav"), CheckResult("OK", "fine"), 2, when)
    return federation


def rows(federation, *words: str) -> list[dict]:
    said = federation.hanse("report", "availability", "--month", "2026-10", *words, "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)["rows"]


def test_a_month_is_computed_from_what_probes_said(north):
    (row,) = rows(north)
    assert (row["site"], row["ngi"], row["flips"]) == ("NORTH", "NGI_X", 2)
    assert row["days"] == 31  # results end with the third: a last status of the day before, then MISSING
    down = 45 * 60 / 86_400
    assert row["unknown"] == pytest.approx(27 / 31)
    assert row["up"] == pytest.approx((4 - down) / 31, abs=1e-6)


def test_a_day_has_argos_numbers(north):
    daily = {row["day"]: row for row in rows(north, "--daily")}
    assert (daily["2026-10-02"]["availability"], daily["2026-10-02"]["up"]) == (96.875, 0.96875)
    assert (daily["2026-10-01"]["availability"], daily["2026-10-03"]["reliability"]) == (100, 100)
    assert daily["2026-10-05"]["availability"] == -1


def test_levels_csv_trends_and_ngis_are_told(north):
    north.hanse("report", "availability", "--day", "2026-10-02")
    services = rows(north, "--by", "service")
    assert [(row["service"], row["function"]) for row in services] == [
        ("org.openstack.nova", "cloud"),
        ("webdav", "storage"),
    ]
    said = north.hanse("report", "availability", "--day", "2026-10-02", "--by", "endpoint", "-o", "csv")
    lines = list(csv.DictReader(StringIO(said.out)))
    assert [line["hostname"] for line in lines] == ["cloud.north.org", "dav.north.org"]
    said = north.hanse("report", "availability", "--day", "2026-10-02", "--trends")
    assert "CRITICAL  45" in said.out
    said = north.hanse("report", "availability", "--since", "2026-10-01", "--until", "2026-10-02", "--by", "ngi")
    assert said.out.splitlines()[1].split() == ["NGI_X", "98.438", "98.438", "2", "1"]


def test_what_was_lost_is_told_with_the_result(north):
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    assert said.code == 0, said.err
    assert "10:15 to 11:00  45 min" in said.out
    assert "org.openstack.nova cloud.north.org vo-x/nova: CRITICAL" in said.out
    assert "Probe/vo-x/nova at 2026-10-02 10:15:00: refused at 10:15" in said.out
    told = json.loads(north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02", "-o", "json").out)
    assert told["by_check"] == {"cloud.north.org vo-x/nova": 45.0}
    assert "no minute was lost" in north.hanse("explain", "availability", "NORTH", "--day", "2026-10-01").out


def test_bad_results_that_did_not_count_are_told(north):
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    assert "Bad results that did not count" in said.out
    assert "  10:00:00  CRITICAL  Probe/vo-x/nova, attempt 1: refused at 10:00" in said.out.splitlines()
    told = json.loads(north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02", "-o", "json").out)
    assert [(one["probe"], one["at"]) for one in told["soft"]] == [("Probe/vo-x/nova", "2026-10-02T10:00:00Z")]
    assert "did not count" not in north.hanse("explain", "availability", "NORTH", "--day", "2026-10-01").out


def test_a_day_that_is_yet_to_come_lost_nothing(north):
    said = north.hanse("explain", "availability", "NORTH", "--day", "2999-10-02")
    assert (said.code, said.out) == (1, "")
    assert "2999-10-02 has not begun" in said.err


def test_a_month_that_is_not_over_is_partial(north):
    said = north.hanse("report", "availability")
    assert "partial; unknown misses its target so far" in said.out
    assert "is not over: days up to" in said.err
    assert all(row["partial"] for row in json.loads(north.hanse("report", "availability", "-o", "json").out)["rows"])
    lines = list(csv.DictReader(StringIO(north.hanse("report", "availability", "-o", "csv").out)))
    assert [line["partial"] for line in lines] == ["1"]
    said = north.hanse("report", "availability", "--by", "ngi")
    assert said.out.splitlines()[1].endswith("partial")
    assert not rows(north)[0]["partial"]
    over = north.hanse("report", "availability", "--month", "2026-10")
    assert "partial" not in over.out
    assert "not over" not in over.err


def test_a_recomputation_computes_its_day_anew_and_carries_its_name(north):
    before = rows(north, "--daily")
    north.write("manifests/recomputation.yaml", RECOMPUTATION)
    committed(north, FIRST + timedelta(days=9))
    daily = {row["day"]: row for row in rows(north, "--daily")}
    assert daily["2026-10-02"]["availability"] == 100
    assert daily["2026-10-02"]["recomputations"] == ["cut-off"]
    assert [row for row in daily.values() if row["day"] != "2026-10-02"] == [
        r for r in before if r["day"] != "2026-10-02"
    ]


def test_the_topology_of_a_day_is_that_of_the_commit_at_its_start(north):
    critical = ("--report", "Critical", "--by", "service")
    assert len(rows(north, *critical)) == 2
    north.write("manifests/site.yaml", SITE.format(production="false"))
    committed(north, FIRST + timedelta(days=1, hours=5))
    daily = rows(north, *critical, "--daily")
    days = [row["day"][-2:] for row in daily if row["service"] == "webdav"]
    assert days == ["01", "02"]  # taken out during the second


def test_days_before_the_first_result_have_no_row_and_a_second_look_computes_nothing(north):
    said = north.hanse("report", "availability", "--month", "2026-09")
    assert "no availability of 2026-09-01 to 2026-09-30" in said.out
    rows(north)
    with open_store(f"sqlite:///{north.root}/.hanse/hanse.db", lambda: FIRST) as store:
        before = store.uptime.days("Default", FIRST.date(), FIRST.date().replace(day=31))
    rows(north)
    with open_store(f"sqlite:///{north.root}/.hanse/hanse.db", lambda: FIRST) as store:
        assert store.uptime.days("Default", FIRST.date(), FIRST.date().replace(day=31)) == before
        assert len(before) == 31


def test_days_whose_results_are_gone_stay_as_they_are(north):
    first = rows(north)
    with open_store(f"sqlite:///{north.root}/.hanse/hanse.db", lambda: FIRST) as store:
        store.probes.trim(at(3, 12))
    north.write("manifests/recomputation.yaml", RECOMPUTATION)
    committed(north, FIRST + timedelta(days=9))
    assert rows(north, "--rebuild") == first
    said = north.hanse("report", "availability", "--month", "2026-10", "--rebuild")
    assert "2026-10-02 stays as it is" in said.err


def test_argos_readers_can_read_it(north, tmp_path):
    wanted = ("--since", "2026-10-01", "--until", "2026-10-02")
    told = json.loads(north.hanse("export", "argo", *wanted).out)
    assert [one["availability"] for one in told["results"][0]["groups"][0]["results"]] == ["100", "96.875"]
    assert north.hanse("export", "argo", *wanted, "--what", "status", "--into", str(tmp_path / "s.json")).code == 0
    (site,) = json.loads((tmp_path / "s.json").read_text())["groups"]
    assert {"timestamp": "2026-10-02T10:15:00Z", "value": "CRITICAL"} in site["statuses"]
    assert site["statuses"][-1] == {"timestamp": "2026-10-02T23:59:59Z", "value": "OK"}


def test_what_is_asked_wrongly_is_said(north):
    assert (
        "there is no report Critcal: did you mean Critical?"
        in north.hanse("report", "availability", "--report", "Critcal").err
    )
    assert north.hanse("report", "availability", "--month", "2026-13").code != 0
    assert north.hanse("report", "availability", "--month", "2026-10", "--day", "2026-10-02").code != 0
    said = north.hanse("explain", "availability", "SOUTH", "--day", "2026-10-02")
    assert "it is not in the report Default" in said.err


DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: works}}
spec:
  description: works
  severity: {severity}
  start: 2026-10-02T10:00:00Z
  end: 2026-10-02T{end}:00Z
  affects: [{{site: NORTH, serviceTypes: [org.openstack.nova]}}]
"""


def declare(federation, day: int, hour: int, severity: str = "OUTAGE", end: str = "11:30") -> None:
    federation.write("manifests/downtimes/works.yaml", DOWNTIME.format(severity=severity, end=end))
    committed(federation, at(day, hour))


def test_an_outage_that_was_declared_a_day_ahead_excuses_a_site(north):
    declare(north, 1, 9)
    daily = {row["day"]: row for row in rows(north, "--daily")}["2026-10-02"]
    assert daily["down"] == pytest.approx(91 * 60 / 86_400, abs=1e-5)  # ARGO counts the minute of the end
    assert daily["reliability"] == 100
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    assert "downtime works: 2026-10-02 10:00 to 2026-10-02 11:30  OUTAGE SCHEDULED, of nova: excuses" in said.out
    assert "in downtime" in said.out


def test_a_downtime_that_ends_at_midnight_leaves_the_next_day_alone(north):
    text = DOWNTIME.format(severity="OUTAGE", end="10:00").replace(
        "2026-10-02T10:00:00Z\n  affects", "2026-10-03T00:00:00Z\n  affects"
    )
    assert "end: 2026-10-03T00:00:00Z" in text
    north.write("manifests/downtimes/works.yaml", text)
    committed(north, at(1, 9))
    daily = {row["day"]: row for row in rows(north, "--daily")}
    assert daily["2026-10-02"]["down"] > 0.5
    assert daily["2026-10-03"]["down"] == 0


def test_downtimes_of_a_day_are_told_as_data(north):
    declare(north, 1, 11)
    told = json.loads(north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02", "-o", "json").out)
    (one,) = told["downtimes"]
    assert (one["ref"], one["classification"]) == ("Downtime/works", "UNSCHEDULED")
    assert one["declared"] == "2026-10-01T11:00:00Z"


def test_a_late_one_and_a_risk_excuse_nothing_and_are_told(north):
    declare(north, 1, 11)
    daily = {row["day"]: row for row in rows(north, "--daily")}["2026-10-02"]
    assert (daily["down"], daily["reliability"]) == (0, 96.875)
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    why = "excuses nothing: declared 2026-10-01 11:00Z, 23.0 h before it begins: not more than 24 h ahead"
    assert f"OUTAGE UNSCHEDULED, of nova: {why}" in said.out
    declare(north, 1, 12, "WARNING")
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    assert "WARNING UNSCHEDULED, of nova: excuses nothing: at risk" in said.out


def test_a_downtime_that_is_extended_too_late_excuses_up_to_its_first_end(north):
    declare(north, 1, 9, end="10:30")
    declare(north, 2, 10, end="11:30")
    daily = {row["day"]: row for row in rows(north, "--daily")}["2026-10-02"]
    assert daily["down"] == pytest.approx(31 * 60 / 86_400, abs=1e-5)
    assert daily["reliability"] < 100
    said = north.hanse("explain", "availability", "NORTH", "--day", "2026-10-02")
    assert "10:00 to 2026-10-02 10:30  OUTAGE SCHEDULED" in said.out
    assert "10:30 to 2026-10-02 11:30  OUTAGE UNSCHEDULED" in said.out


def test_a_downtime_is_laid_over_the_services_of_its_day(north):
    """The service is called otherwise today; on the day it was at another host."""
    declare(north, 1, 9)
    north.write("manifests/site.yaml", SITE.format(production="true").replace("cloud.north.org", "new.north.org"))
    committed(north, at(10, 0))
    daily = {row["day"]: row for row in rows(north, "--daily")}["2026-10-02"]
    assert daily["reliability"] == 100


def test_a_shallow_history_says_nothing_about_downtimes(north, tmp_path):
    declare(north, 1, 9)
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{north.root}", str(clone)], check=True)
    (north.root / "hanse.toml").write_text(f'[source]\nrepository = "{clone}"\n')
    said = north.hanse("report", "availability", "--month", "2026-10")
    assert said.code == 1
    assert "git fetch --unshallow" in said.err
