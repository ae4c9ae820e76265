"""report ola: agreements of a month, from what probes said to findings, in every form."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest

from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.records.store import open_store
from tests.cli.test_uptime import FIRST, PROBE, SITE, at, committed, north  # noqa: F401 (a fixture)

VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo-x}
spec:
  allocations:
    - {site: NORTH, vcpus: 8, availabilityTarget: 99.9}
"""


@pytest.fixture
def agreed(north):  # noqa: F811
    """The same with a VO, and two months before in which the site was bad."""
    north.write("manifests/vo.yaml", VO)
    north.commit()
    with open_store(f"sqlite:///{north.root}/.hanse/hanse.db", lambda: FIRST) as store:
        for n in range(1, 62):
            day = FIRST.date() - timedelta(days=n)
            bad = UptimeRecord(
                "Critical", day, "group", "NORTH", "", "", "", "NGI_X", 0, 50, 50, 0.5, 0, 0, ((0, "CRITICAL"),), ()
            )
            store.uptime.rebuild(UptimeDay("Critical", day, "", "", True, FIRST), [bad])
    return north


def told(federation, *words: str) -> list[dict]:
    said = federation.hanse("report", "ola", "--month", "2026-10", *words, "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_a_month_is_held_against_targets_with_the_months_before_it(agreed):
    site, vo = told(agreed)
    assert (site["name"], site["agreement"], site["ngi"], site["kept"]) == ("NORTH", "site", "NGI_X", False)
    assert [finding["rule"] for finding in site["findings"]] == ["unknown", "three-misses"]
    assert site["missed"] == ["2026-10", "2026-09", "2026-08"]
    assert site["targets"] == {"availability": 80, "reliability": 85, "unknown": 10}
    assert (vo["name"], vo["vo"], vo["uses"][0]["percent"]) == ("vo-x at NORTH", "vo-x", 0)
    assert [finding["rule"] for finding in vo["findings"]] == ["availability", "three-misses"]


def test_the_table_tells_each_number_with_its_target_and_what_was_found(agreed):
    out = agreed.hanse("report", "ola", "--month", "2026-10").out
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["AGREEMENT", "OF", "NGI", "AVAILABILITY"]
    assert "(80)" in lines[1]
    assert "unknown 87.097 % is above 10 %; missed in 3 months in a row, since 2026-08" in lines[1]
    assert agreed.hanse("report", "ola", "--month", "2026-10", "--vo", "vo-x").out.count("\n") == 2
    assert "every agreement was kept" in agreed.hanse("report", "ola", "-m", "2026-10", "--site", "SOUTH").out


def test_csv_has_numbers_and_findings_apart(agreed):
    out = agreed.hanse("report", "ola", "--month", "2026-10", "-o", "csv").out
    site, vo = csv.DictReader(StringIO(out))
    assert (site["site"], site["availability_target"], site["missed_months"], site["kept"]) == ("NORTH", "80", "3", "0")
    assert (vo["vo"], vo["availability_target"], vo["unknown_target"]) == ("vo-x", "99.9", "")


def test_a_month_that_is_not_over_is_said_to_be_so(agreed):
    month = f"{datetime.now(UTC):%Y-%m}"
    with open_store(f"sqlite:///{agreed.root}/.hanse/hanse.db", lambda: FIRST) as store:
        day = date.fromisoformat(f"{month}-01")
        row = UptimeRecord("Critical", day, "group", "NORTH", "", "", "", "X", 0, 9, 9, 0.5, 0, 0, ((0, "OK"),), ())
        store.uptime.rebuild(UptimeDay("Critical", day, "", "", True, FIRST), [row])
    assert "the month is not over" in agreed.hanse("report", "ola", "--month", month).out


@pytest.mark.parametrize("month", ["2026-13", "October"])
def test_what_is_no_month_is_said(agreed, month):
    assert "a month is YYYY-MM" in agreed.hanse("report", "ola", "--month", month).err


def test_a_month_of_which_nothing_is_known_is_said(agreed):
    assert agreed.hanse("report", "ola", "--month", "2020-01").out.splitlines()[1].endswith("not measured")
    agreed.git("rm", "-q", "manifests/vo.yaml")
    agreed.commit()
    assert "nothing is known of that month" in agreed.hanse("report", "ola", "--month", "2020-01").out


@pytest.mark.parametrize("report", [("ola", "--month", "2026-10"), ("availability", "--month", "2026-10"), ("usage",)])
def test_reports_are_drawn_as_picture_and_page(agreed, report):
    for suffix in ("svg", "html"):
        file = agreed.root / f"report.{suffix}"
        said = agreed.hanse("report", *report, "--plot", str(file))
        assert (said.code, f"drawn: {file}" in said.err) == (0, True)
        assert "<svg" in file.read_text()
    assert "NORTH" in file.read_text() or report == ("usage",)
    wrong = agreed.hanse("report", *report, "--plot", "report.pdf")
    assert (wrong.code != 0, "none of .svg, .png, .html" in wrong.err) == (True, True)


def test_an_agreement_with_a_site_that_there_is_not_is_refused(agreed):
    agreed.write(
        "manifests/report.yaml",
        "apiVersion: hanse/v1\nkind: Report\nmetadata: {name: critical}\nspec: {agreements: [{site: NORT}]}\n",
    )
    said = agreed.hanse("validate", "--worktree")
    assert (said.code, "spec.agreements[0].site" in said.err + said.out) == (1, True)
