"""get_downtime: an element for each service, dates as GOCDB writes them, and what its filters mean."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from reconciler.exchange.gocdb import Feed, Refused, View, answer, topology
from reconciler.kinds.downtime import Stated
from tests.exchange.gocdb.federation import federation, resource, service, site

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def downtime(name, start, end, *affects, key="", **more):
    spec = {"description": "New switches.", "severity": "OUTAGE", "start": start, "end": end, "affects": affects}
    return resource("Downtime", name, spec | more, {"gocdb/key": key} if key else None)


@pytest.fixture(scope="module")
def feed():
    some = federation(
        site("CESGA", service("cloud", endpoints=[{"name": "identity"}]), service("ce", "CE", production=False)),
        site(
            "TIDE",
            service("sea", scopes=["Local"], extensions=[{"key": "VO", "value": "x"}]),
            ngi="NGI_DE",
            country="DE",
        ),
        downtime("past", "2026-10-01T08:00:00Z", "2026-10-01T16:00:00Z", {"site": "CESGA"}, key="88G0"),
        downtime("ongoing", "2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z", {"site": "TIDE"}, severity="WARNING"),
        downtime("ahead", "2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z", {"site": "CESGA", "services": ["cloud"]}),
    )
    stated = {
        ref: [Stated(datetime(2026, 9, 1, 6, tzinfo=UTC), some[ref].spec)] for ref in some if ref.kind == "Downtime"
    }
    stated["Downtime/ongoing"] = [Stated(datetime(2026, 11, 21, 7, tzinfo=UTC), some["Downtime/ongoing"].spec)]
    return Feed(topology(some, stated, NOW), View())


def asked(feed, method="get_downtime", **parameters):
    return ET.fromstring(answer(feed, method, parameters, NOW))


def hosts(feed, **parameters):
    return [one.findtext("HOSTNAME").partition(".")[0] for one in asked(feed, **parameters)]


def test_a_downtime_has_gocdbs_elements_in_its_order(feed):
    found = asked(feed, id="88")[0]
    assert found.attrib == {"ID": "88", "PRIMARY_KEY": "88G0", "CLASSIFICATION": "SCHEDULED"}
    assert [one.tag for one in found] == [
        "PRIMARY_KEY",
        "HOSTNAME",
        "SERVICE_TYPE",
        "ENDPOINT",
        "HOSTED_BY",
        "AFFECTED_ENDPOINTS",
        "SEVERITY",
        "DESCRIPTION",
        "INSERT_DATE",
        "START_DATE",
        "END_DATE",
        "FORMATED_START_DATE",
        "FORMATED_END_DATE",
    ]
    assert found.findtext("ENDPOINT") == found.findtext("HOSTNAME") + found.findtext("SERVICE_TYPE")
    assert found.findtext("START_DATE") == "1790841600"
    assert found.findtext("FORMATED_START_DATE") == "2026-10-01 08:00"
    assert found.findtext("INSERT_DATE") == "1788242400"


def test_what_was_declared_late_is_unscheduled(feed):
    assert asked(feed, ongoing_only="yes")[0].get("CLASSIFICATION") == "UNSCHEDULED"


def test_nested_there_is_one_element_with_all_services(feed):
    (found,) = asked(feed, "get_downtime_nested_services", id="88")
    assert [one.findtext("HOSTNAME") for one in found.findall("SERVICES/SERVICE")] == [
        "ce.example.org",
        "cloud.example.org",
    ]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["cloud", "sea", "ce", "cloud"]),
        ({"ongoing_only": "yes"}, ["sea"]),
        ({"ongoing_only": "no", "startdate": "2026-11-01"}, ["cloud", "sea"]),
        ({"startdate": "2026-11-21"}, ["cloud", "sea"]),
        ({"enddate": "2026-10-02"}, ["ce", "cloud"]),
        ({"windowstart": "2026-11-22", "windowend": "2026-11-22"}, ["sea"]),
        ({"windowstart": "2026-11-20", "windowend": "2026-11-21"}, ["sea"]),
        ({"windowstart": "2026-11-23"}, ["cloud"]),
        ({"all_lastmonth": ""}, ["cloud", "sea"]),
        ({"topentity": "CESGA", "startdate": "2026-11-01"}, ["cloud"]),
        ({"topentity": "Germany"}, ["sea"]),
        ({"topentity": "ce.example.org"}, ["ce"]),
        ({"severity": "WARNING"}, ["sea"]),
        ({"classification": "UNSCHEDULED"}, ["sea"]),
        ({"production": "N"}, ["ce"]),
        ({"service_type_list": "CE,SRM"}, ["ce"]),
        ({"sitelist": "TIDE,NOSUCH"}, ["sea"]),
        ({"ngilist": "NGI_DE"}, ["sea"]),
        ({"scope": "Local"}, ["sea"]),
        ({"service_extensions": "(VO=x)"}, ["sea"]),
        ({"id": "88", "severity": "WARNING"}, []),
    ],
)
def test_downtimes_are_found_as_gocdb_finds_them(feed, parameters, found):
    assert hosts(feed, **parameters) == found


@pytest.mark.parametrize(
    "parameters",
    [
        {"ongoing_only": "yes", "startdate": "2026-10-01"},
        {"ongoing_only": "maybe"},
        {"all_lastmonth": "", "windowstart": "2026-10-01"},
        {"startdate": "01/10/2026"},
    ],
)
def test_times_that_do_not_go_together_are_refused(feed, parameters):
    with pytest.raises(Refused):
        asked(feed, **parameters)


def test_what_was_declared_lately_is_to_be_broadcast(feed):
    (found,) = asked(feed, "get_downtime_to_broadcast")
    assert (found.findtext("SITENAME"), found.find("BROADCASTING_START_DOWNTIME").text) == ("TIDE", None)
    assert len(asked(feed, "get_downtime_to_broadcast", interval="365")) == 4
    with pytest.raises(Refused, match="interval is not a number"):
        asked(feed, "get_downtime_to_broadcast", interval="x")
