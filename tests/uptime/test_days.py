"""Days of a report, kept: which are computed, from what, and how downtimes and shared metrics come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from reconciler.availability import Downtime
from reconciler.errors import SettingsError
from reconciler.kinds import registry
from reconciler.model import Location, Ref, Resource
from reconciler.ports import CheckResult
from reconciler.records.store import open_store
from reconciler.uptime import Asked, brought_up, declaration, explained, ngis, report_named, summaries

START = datetime(2026, 10, 1, tzinfo=UTC)
LATER = START + timedelta(days=9)
DAY = date(2026, 10, 1)


def resource(kind: str, name: str, labels: dict | None = None, **spec) -> tuple[Ref, Resource]:
    made = registry()[kind].Spec.model_validate(spec, strict=False)
    ref = Ref(f"{kind}/{name}")
    return ref, Resource(
        ref, made.digest(), made.canonical(), (), "", Location("x", 1), type(made).model_validate_json, labels=labels
    )


def service(name: str, **more) -> dict:
    return {"name": name, "type": "webdav", "hostname": f"{name}.example.org", **more}


def probe(name: str, service: str, labels: dict | None = None, **more) -> tuple[Ref, Resource]:
    return resource(
        "Probe",
        f"vo/{name}",
        labels,
        target={"siteService": {"site": "NORTH", "service": service}},
        plugin="check_http",
        **more,
    )


NORTH = resource("Site", "NORTH", ngi="NGI_X", services=[service("a"), service("b", monitored=False)])
RESOURCES = dict([NORTH, probe("web", "a")])


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: LATER) as opened:
        yield opened


def asked(resources=RESOURCES, **more) -> Asked:
    return Asked("Default", resources, "now", lambda _commit: None, lambda _moment: "", **more)


def results(store, name: str, *rows: tuple[int, str]) -> None:
    for minutes, status in rows:
        store.probes.add_result(
            Ref(f"Probe/vo/{name}"), CheckResult(status, status), 1, START + timedelta(minutes=minutes)
        )


def minutes(store, site: str = "NORTH") -> dict[str, int]:
    (row,) = store.uptime.rows("Default", DAY, DAY, site=site)
    (one,) = summaries([row], report_named({}, "Default")[1].targets)
    return {trend.status: trend.minutes for trend in one.trends}


def test_a_downtime_excuses_an_outage(store):
    results(store, "web", (-5, "OK"), (60, "CRITICAL"), (180, "OK"))
    down = Downtime("webdav", "a.example.org", 3600, 3 * 3600 - 120)
    list(brought_up(store, asked(), DAY, DAY, LATER))
    assert minutes(store) == {"OK": 1320, "CRITICAL": 120}
    told = asked(outages=lambda _start: [down])
    assert [one.day for one in brought_up(store, told, DAY, DAY, LATER)] == [DAY]
    assert minutes(store) == {"OK": 1320, "DOWNTIME": 119, "CRITICAL": 1}
    lost = explained(store, told, "NORTH", DAY, LATER).lost
    assert [(one.status, one.because[0].cause) for one in lost] == [("DOWNTIME", "downtime"), ("CRITICAL", "result")]
    assert lost[1].because[0].summary == "CRITICAL"


def test_what_is_not_monitored_has_no_endpoint(store):
    both = dict([NORTH, probe("web", "a"), probe("other", "b")])
    results(store, "web", (-5, "OK"))
    results(store, "other", (-5, "CRITICAL"))
    list(brought_up(store, asked(both), DAY, DAY, LATER))
    assert [row.hostname for row in store.uptime.rows("Default", DAY, DAY, ("endpoint",))] == ["a.example.org"]


def test_two_probes_with_one_label_are_one_metric(store):
    two = dict([NORTH, probe("web", "a", {"metric": "dav"}), probe("twin", "a", {"metric": "dav"})])
    results(store, "web", (-5, "OK"), (60, "CRITICAL"), (120, "CRITICAL"))
    results(store, "twin", (90, "OK"))
    list(brought_up(store, asked(two), DAY, DAY, LATER))
    assert minutes(store) == {"CRITICAL": 1350, "OK": 90}


def test_a_probe_that_is_off_is_not_expected(store):
    off = dict([NORTH, probe("web", "a"), probe("old", "a", enabled=False)])
    results(store, "web", (-5, "OK"))
    list(brought_up(store, asked(off), DAY, DAY, LATER))
    assert minutes(store) == {"OK": 1440}


def test_a_metric_of_the_profile_that_nobody_runs_is_missing(store):
    profile = resource("MetricProfile", "m", services=[{"service": "webdav", "metrics": ["vo/web", "vo/never"]}])
    report = resource("Report", "Default", metricProfile="m")
    results(store, "web", (-5, "OK"))
    list(brought_up(store, asked({**RESOURCES, **dict([profile, report])}), DAY, DAY, LATER))
    assert minutes(store) == {"MISSING": 1440}


def test_thresholds_of_a_report_look_at_what_was_measured(store):
    report = resource("Report", "Default", performance=[{"metric": "vo/web", "thresholds": "time=1s;1:5;5:"}])
    measured = (("time", 7.5, "s", "", "", "", ""),)
    store.probes.add_result(Ref("Probe/vo/web"), CheckResult("OK", "slow", measured), 1, START)
    list(brought_up(store, asked({**RESOURCES, **dict([report])}), DAY, DAY, LATER))
    assert minutes(store) == {"CRITICAL": 1440}


def test_a_day_that_is_not_over_is_computed_again(store):
    results(store, "web", (0, "OK"), (600, "CRITICAL"))
    soon = START + timedelta(hours=5)
    assert len(list(brought_up(store, asked(), DAY, DAY, soon))) == 1
    assert not store.uptime.days("Default", DAY, DAY)[DAY].complete
    assert len(list(brought_up(store, asked(), DAY, DAY, LATER))) == 1
    assert list(brought_up(store, asked(), DAY, DAY, LATER)) == []
    assert list(brought_up(store, asked(), date(2026, 11, 1), date(2026, 11, 2), LATER)) == []


def test_a_report_and_its_profile_may_be_younger_than_the_day(store):
    profile = resource("MetricProfile", "m", services=[{"service": "webdav", "metrics": ["vo/web"]}])
    report = resource("Report", "mine", metricProfile="m")
    now = {**RESOURCES, **dict([profile, report])}
    results(store, "web", (-5, "OK"))
    past = Asked("mine", now, "now", lambda _commit: RESOURCES, lambda _moment: "then")
    (made,) = brought_up(store, past, DAY, DAY, LATER)
    assert (made.commit, made.past) == ("then", True)
    assert [row.availability for row in store.uptime.rows("mine", DAY, DAY)] == [100]


def test_the_built_in_reports_are_there_and_a_lone_one_is_taken():
    mine = dict([resource("Report", "mine")])
    assert [report_named(mine, "")[0], report_named({}, "")[0], report_named(mine, "Critical")[0]] == [
        "mine",
        "Default",
        "Critical",
    ]
    assert [e.hostname for e in declaration(RESOURCES, *report_named({}, "Critical")).endpoints] == []


def test_a_disabled_report_is_not_computed():
    off = dict([resource("Report", "off", disabled=True)])
    assert report_named(off, "")[0] == "Default"
    with pytest.raises(SettingsError, match="the report off is disabled"):
        report_named(off, "off")


def test_weights_count_in_an_ngi(store):
    sites = [resource("Site", name, ngi="NGI_X", services=[service(name.lower())]) for name in ("AA", "BB")]
    probes = [
        resource(
            "Probe", f"vo/{name}", target={"siteService": {"site": name.upper(), "service": name}}, plugin="check_http"
        )
        for name in ("aa", "bb")
    ]
    report = resource("Report", "Default", weights={"AA": 8})
    results(store, "aa", (-5, "OK"))
    results(store, "bb", (-5, "CRITICAL"))
    list(brought_up(store, asked(dict([*sites, *probes, report])), DAY, DAY, LATER))
    rows = store.uptime.rows("Default", DAY, DAY)
    assert [(one.ngi, one.availability, one.sites) for one in ngis(rows)] == [("NGI_X", 90, 2)]
    assert [one.below for one in summaries(rows, report_named({}, "Default")[1].targets)] == [
        (),
        ("availability", "reliability"),
    ]
    unknown = replace(rows[0], unknown=1.0, up=0.0)
    assert summaries([unknown], report_named({}, "Default")[1].targets)[0].below == ("unknown",)
