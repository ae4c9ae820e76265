"""ARGO's web API: its paths, its shapes in JSON and XML, and its errors."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from reconciler.model.uptime import UptimeDay, UptimeRecord
from tests.web.conftest import LOOKED, NOW

DAYS = (date(2026, 11, 18), date(2026, 11, 19))
SPAN = "start_time=2026-11-18T00:00:00Z&end_time=2026-11-19T23:59:59Z"
UP = (100.0, 100.0, 1.0, 0.0, 0.0)
HALF = (50.0, 50.0, 0.5, 0.0, 0.0)


def row(day, level, site="NORTH", service="", host="", numbers=UP, points=((0, "OK"),)):
    function = "" if level == "group" else "compute"
    return UptimeRecord("Default", day, level, site, function, service, host, "NGI_X", 1.0, *numbers, points, ())


@pytest.fixture
def computed(served):
    bad = ((0, "OK"), (43_200, "CRITICAL"))
    for day in DAYS:
        rows = [
            row(day, "group", numbers=HALF if day == DAYS[1] else UP, points=bad if day == DAYS[1] else ((0, "OK"),)),
            row(day, "group", "SOUTH"),
            row(day, "service", service=LOOKED.service),
            row(day, "endpoint", service=LOOKED.service, host=LOOKED.hostname),
            row(day, "endpoint", service=LOOKED.service, host="other.example.org", numbers=HALF),
        ]
        done = UptimeDay("Default", day, "b", "c", complete=day == DAYS[0], computed_at=NOW)
        served.store.uptime.rebuild(done, rows)
    return served


def get(served, path, accept="application/json", token="read"):
    return served.get(f"/api/{path}", served.tokens[token], Accept=accept)


def numbers(timestamp, availability="100", uptime="1"):
    both = {"availability": availability, "reliability": availability}
    return {"timestamp": timestamp, **both, "unknown": "0", "uptime": uptime, "downtime": "0"}


def test_sites_are_told_below_their_ngi(computed):
    answer = get(computed, f"v2/results/Default/SITES/NORTH?{SPAN}")
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "name": "NGI_X",
                "type": "NGI",
                "endpoints": [
                    {
                        "name": "NORTH",
                        "type": "SITES",
                        "results": [numbers("2026-11-18"), numbers("2026-11-19", "50", "0.5")],
                    }
                ],
            }
        ]
    }


def test_ngis_have_no_parts_of_time(computed):
    found = get(computed, f"v2/results/Default/NGI?{SPAN}").json()["results"]
    assert found == [
        {
            "name": "NGI_X",
            "type": "NGI",
            "results": [
                {"timestamp": "2026-11-18", "availability": "100", "reliability": "100"},
                {"timestamp": "2026-11-19", "availability": "75", "reliability": "75"},
            ],
        }
    ]


def test_services_and_endpoints_are_told_below_their_site(computed):
    base = "v2/results/Default/SITES/NORTH"
    (site,) = get(computed, f"{base}/services?{SPAN}").json()["results"]
    assert (site["name"], site["serviceflavors"][0]["name"]) == ("NORTH", LOOKED.service)
    assert site["serviceflavors"][0]["results"][0] == numbers("2026-11-18")
    for path in (f"{base}/services/{LOOKED.service}/endpoints", f"{base}/endpoints"):
        (site,) = get(computed, f"{path}?{SPAN}").json()["results"]
        ends = site["serviceflavors"][0]["endpoints"]
        assert [(one["name"], one["type"]) for one in ends] == [
            (LOOKED.hostname, "endpoint"),
            ("other.example.org", "endpoint"),
        ]
    (site,) = get(computed, f"{base}/services/{LOOKED.service}/endpoints/other.example.org?{SPAN}").json()["results"]
    assert [one["name"] for one in site["serviceflavors"][0]["endpoints"]] == ["other.example.org"]


@pytest.mark.parametrize("path", ["NGI/NGI_X/SITES/NORTH", "SITES/NORTH"])
def test_a_site_is_found_with_its_ngi_and_without(computed, path):
    (ngi,) = get(computed, f"v2/results/Default/{path}?{SPAN}").json()["results"]
    assert [one["name"] for one in ngi["endpoints"]] == ["NORTH"]


def test_a_month_is_the_mean_of_its_days(computed):
    (ngi,) = get(computed, f"v2/results/Default/SITES/NORTH?{SPAN}&granularity=monthly").json()["results"]
    (month,) = ngi["endpoints"][0]["results"]
    assert (month["timestamp"], month["uptime"]) == ("2026-11", "0.75")
    assert float(month["availability"]) == pytest.approx(74.99999925)


def test_a_custom_range_has_no_time(computed):
    (ngi,) = get(computed, f"v2/results/Default/SITES/NORTH?{SPAN}&granularity=custom").json()["results"]
    assert "timestamp" not in ngi["endpoints"][0]["results"][0]


def test_xml_is_told_to_those_who_ask_for_it(computed):
    answer = get(computed, f"v2/results/Default/SITES/NORTH?{SPAN}", "application/xml")
    assert answer.headers["content-type"].startswith("application/xml")
    root = ET.fromstring(answer.content)
    site = root.find("group[@type='NGI']/group[@name='NORTH']")
    assert [one.attrib for one in site.findall("results")] == [
        numbers("2026-11-18"),
        numbers("2026-11-19", "50", "0.5"),
    ]


def test_statuses_tell_every_change_and_close_the_days_that_are_over(computed):
    (site,) = get(computed, f"v2/status/Default/SITES/NORTH?{SPAN}").json()["groups"]
    assert site["statuses"] == [
        {"timestamp": "2026-11-18T00:00:00Z", "value": "OK"},
        {"timestamp": "2026-11-18T23:59:59Z", "value": "OK"},
        {"timestamp": "2026-11-19T00:00:00Z", "value": "OK"},
        {"timestamp": "2026-11-19T12:00:00Z", "value": "CRITICAL"},
    ]
    latest = get(computed, f"v2/status/Default/SITES/NORTH?{SPAN}&view=latest").json()["groups"]
    assert latest[0]["statuses"] == site["statuses"][-1:]


def test_statuses_of_endpoints_are_nested_as_argo_does(computed):
    path = f"v2/status/Default/SITES/NORTH/services/{LOOKED.service}/endpoints?{SPAN}"
    (site,) = get(computed, path).json()["groups"]
    service = site["services"][0]
    assert (service["name"], service["type"]) == (LOOKED.service, "service")
    assert service["endpoints"][0]["name"] == LOOKED.hostname
    root = ET.fromstring(get(computed, path, "application/xml").content)
    assert len(root.findall(f"group/group[@name='{LOOKED.service}']/endpoint")) == 2
    assert root.find("group/group/endpoint/status").attrib == {"timestamp": "2026-11-18T00:00:00Z", "status": "OK"}


def test_statuses_of_metrics_are_what_probes_have_said(computed):
    items = [
        {"probe": "tides/nova", "status": status, "timestamp": f"2026-11-18T{hour:02}:00:00Z"}
        for hour, status in ((1, "OK"), (2, "OK"), (3, "CRITICAL"), (4, "CRITICAL"))
    ]
    assert computed.tell(items).status_code == 200
    path = f"SITES/NORTH/services/{LOOKED.service}/endpoints/{LOOKED.hostname}/metrics"
    (site,) = get(computed, f"v2/status/Default/{path}?{SPAN}").json()["groups"]
    (metric,) = site["services"][0]["endpoints"][0]["metrics"]
    assert metric["name"] == LOOKED.metric
    assert metric["statuses"] == [
        {"timestamp": "2026-11-18T01:00:00Z", "value": "OK"},
        {"timestamp": "2026-11-18T04:00:00Z", "value": "CRITICAL"},
    ]
    assert get(computed, f"v2/status/Default/{path}/another?{SPAN}").status_code == 404


def test_all_endpoints_are_told_in_one_list_page_by_page(computed):
    found = get(computed, f"v2/results/Default/endpoints?{SPAN}").json()
    assert [one["name"] for one in found["endpoints"]] == [LOOKED.hostname, "other.example.org"]
    assert found["endpoints"][0]["results"][0] == numbers("2026-11-18")
    assert found.keys() == {"endpoints"}
    first = get(computed, f"v2/status/Default/endpoints?{SPAN}&pageSize=1").json()
    assert (len(first["endpoints"]), first["nextPageToken"], first["pageSize"]) == (1, "MQ==", 1)
    last = get(computed, f"v2/status/Default/endpoints?{SPAN}&pageSize=1&nextPageToken=MQ==").json()
    assert [(one["name"], one["supergroup"]) for one in last["endpoints"]] == [("other.example.org", "NORTH")]
    assert "nextPageToken" not in last
    assert last["endpoints"][0]["statuses"][0] == {"timestamp": "2026-11-18T00:00:00Z", "value": "OK"}


@pytest.mark.parametrize("page", ["pageSize=0", "pageSize=x", "pageSize=1&nextPageToken=!!", "nextPageToken=LTE="])
def test_a_page_that_cannot_be_is_refused(computed, page):
    assert get(computed, f"v2/results/Default/endpoints?{SPAN}&{page}").status_code == 400


def test_version_3_tells_ngis_with_their_sites(computed):
    (ngi,) = get(computed, f"v3/results/Default?{SPAN}").json()["results"]
    assert ngi["results"][1] == {"date": "2026-11-19", "availability": "75", "reliability": "75"}
    assert [one["name"] for one in ngi["groups"]] == ["NORTH", "SOUTH"]


def test_version_3_tells_statuses_with_endpoints(computed):
    found = get(computed, f"v3/status/Default?{SPAN}&view=latest").json()["groups"]
    north = next(one for one in found if one["name"] == "NORTH")
    assert [one["timestamp"] for one in north["statuses"]] == ["2026-11-19T12:00:00Z"]
    assert {len(one["statuses"]) for one in north["endpoints"]} == {1}


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        (f"v2/results/Nothing/SITES?{SPAN}", 404, "The report with the name Nothing does not exist"),
        (f"v2/results/Default/SITES/NOWHERE?{SPAN}", 404, "No results found for given query"),
        (f"v2/results/Default/SITE?{SPAN}", 400, "Try using SITES instead"),
        (f"v2/results/Default/SITES/NORTH/serving?{SPAN}", 404, "there is nothing at serving"),
        ("v2/results/Default/SITES", 400, "start_time"),
        ("v2/results/Default/SITES?start_time=2026-11-18&end_time=2026-11-19T00:00:00Z", 400, "zulu format"),
        ("v2/results/Default/SITES?start_time=2026-11-18T00:00:00Z&end_time=2025-11-19T00:00:00Z", 400, "end_time"),
        (f"v2/results/Default/SITES?{SPAN}&granularity=hourly", 400, "daily"),
        (f"v3/results/Default/id/nothing?{SPAN}", 404, "No results found"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_argos_shape(computed, path, code, said):
    answer = get(computed, path)
    assert answer.status_code == code
    body = answer.json()
    assert body["status"]["code"] == str(code)
    assert said in body["errors"][0]["details"]
    in_xml = ET.fromstring(get(computed, path, "application/xml").content)
    assert in_xml.findtext("status/code") == str(code)
    assert said in in_xml.findtext("errors/error/details")


def test_other_forms_are_not_acceptable(computed):
    assert get(computed, f"v2/results/Default/SITES?{SPAN}", "text/html").status_code == 406


def test_who_shows_no_key_is_refused_in_argos_shape(computed):
    answer = computed.get(f"/api/v2/results/Default/SITES?{SPAN}")
    assert answer.status_code == 401
    assert answer.json()["status"] == {"message": "Unauthorized", "code": "401"}
    assert get(computed, f"v2/results/Default/SITES?{SPAN}", token="results").status_code == 403


def test_statuses_are_of_today_where_no_time_is_said(computed):
    computed.store.uptime.rebuild(
        UptimeDay("Default", NOW.date(), "b", "c", complete=False, computed_at=NOW), [row(NOW.date(), "group")]
    )
    (site,) = get(computed, "v2/status/Default/SITES").json()["groups"]
    assert site["statuses"] == [{"timestamp": "2026-11-21T00:00:00Z", "value": "OK"}]
