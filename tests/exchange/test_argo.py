"""The shapes of ARGO's web API: results by NGI and site, statuses with their closing points."""

from __future__ import annotations

from datetime import date

from reconciler.exchange.argo import number, results, statuses
from reconciler.model.uptime import UptimeRecord


def row(
    site: str, day: int, *numbers: float, weight: float = 0, level: str = "group", points=((0, "OK"),), host: str = ""
) -> UptimeRecord:
    service = "SRM" if host else ""
    return UptimeRecord(
        "R", date(2015, 6, day), level, site, "", service, host, "GROUP_A", weight, *numbers, points, ()
    )


ST01 = [row("ST01", 22, 66.7, 54.6, 1, 0, 0, weight=4355), row("ST01", 23, 100, 100, 1, 0, 0, weight=4355)]
ST02 = [row("ST02", 22, 70, 45, 1, 0, 0, weight=3378), row("ST02", 23, -1, -1, 0, 1, 0, weight=3378)]


def test_daily_results_are_text_by_ngi_and_site():
    (ngi,) = results([*ST01, *ST02])["results"]
    assert (ngi["name"], ngi["type"]) == ("GROUP_A", "NGI")
    weighted = (66.7 * 4356 + 70 * 3379) / (4356 + 3379)
    assert ngi["results"][0] == {
        "date": "2015-06-22",
        "availability": repr(weighted),
        "reliability": repr((54.6 * 4356 + 45 * 3379) / 7735),
    }
    assert ngi["results"][1]["availability"] == "100"
    site = ngi["groups"][0]
    assert (site["name"], site["type"]) == ("ST01", "SITES")
    assert site["results"][0] == {
        "date": "2015-06-22",
        "availability": "66.7",
        "reliability": "54.6",
        "unknown": "0",
        "uptime": "1",
        "downtime": "0",
    }


def test_a_month_has_argos_numbers():
    (ngi,) = results(ST01, "monthly")["results"]
    assert ngi["groups"][0]["results"] == [
        {
            "date": "2015-06",
            "availability": "99.99999900000002",
            "reliability": "99.99999900000002",
            "unknown": "0",
            "uptime": "1",
            "downtime": "0",
        }
    ]
    assert ngi["results"][0]["date"] == "2015-06"


def test_a_custom_range_has_no_date_and_an_ngi_without_numbers_is_nan():
    (ngi,) = results([ST02[1]], "custom")["results"]
    assert ngi["results"] == [{"availability": "nan", "reliability": "nan"}]
    assert "date" not in ngi["groups"][0]["results"][0]


def test_a_day_that_is_over_is_closed():
    groups = [row("ST01", 22, 0, 0, 0, 0, 0, points=((0, "OK"), (3600, "CRITICAL"))), ST01[1]]
    hosts = [row("ST01", 22, 0, 0, 0, 0, 0, level="endpoint", host="a.example.org")]
    (site,) = statuses(groups, hosts, lambda day: day.day == 22)["groups"]
    assert [(one["timestamp"], one["value"]) for one in site["statuses"]] == [
        ("2015-06-22T00:00:00Z", "OK"),
        ("2015-06-22T01:00:00Z", "CRITICAL"),
        ("2015-06-22T23:59:59Z", "CRITICAL"),
        ("2015-06-23T00:00:00Z", "OK"),
    ]
    assert site["endpoints"][0]["hostname"] == "a.example.org"
    assert len(site["endpoints"][0]["statuses"]) == 2


def test_numbers_are_written_as_go_writes_them():
    assert [number(value) for value in (100.0, 0.0, -1.0, 66.7, 1e-05, float("nan"))] == [
        "100",
        "0",
        "-1",
        "66.7",
        "1e-05",
        "nan",
    ]
