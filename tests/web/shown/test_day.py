"""The page of a site's day: which minutes were lost, to which check, by which result, and which downtimes excuse."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import requests

from reconciler.availability import Numbers
from reconciler.copies import Board
from reconciler.errors import SettingsError
from reconciler.records.store import open_store
from reconciler.uptime import Explained
from reconciler.uptime.explained import Guilty, LostStretch
from reconciler.web import pages
from reconciler.web.serving import serving
from reconciler.web.sight import Sight

DAY = date(2026, 10, 12)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, 12, hour, minute, tzinfo=UTC)


def told(site: str, day: date, report: str) -> Explained:
    if site != "NORTH":
        raise SettingsError(f"{site} has no availability on {day}: no check of it counts")
    guilty = (
        Guilty(
            "result", "cloud", "nova", "n.example.org", "api", "CRITICAL", "Probe/t/nova", at(9, 58), "<b>refused</b>"
        ),
        Guilty("missing", "cloud", "nova", "m.example.org", "api", "MISSING", "", None, ""),
    )
    lost = (LostStretch(at(10), at(10, 45), 45.0, "CRITICAL", guilty),)
    return Explained(
        report or "Default",
        site,
        day,
        Numbers(96.875, 96.875, 0.96875, 0.0, 0.0),
        {"CRITICAL": 45.0, "OK": 1395.0},
        lost,
        {"n.example.org api": 45.0},
        (),
    )


@pytest.fixture
def url(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: at(12)) as store:
        sight = Sight(store, lambda: at(12), explain_day=told)
        with serving("127.0.0.1:0", Board(), None, pages.routes(sight)) as made:
            yield made


def test_minutes_are_told_with_their_check_and_result(url):
    text = requests.get(f"{url}/sites/NORTH/days/{DAY}?report=Tides", timeout=120).text
    for said in (
        "96.875 %",
        "CRITICAL 45, OK 1,395",
        "10:00 to 10:45, 45 min",
        "nova n.example.org api: CRITICAL",
        "Probe/t/nova at 2026-10-12 09:58:00: &lt;b&gt;refused&lt;/b&gt;",
        "nova m.example.org api: MISSING: no result that counts",
        "/sites/NORTH/days/2026-10-11?report=Tides",
        "hanse explain availability NORTH --day 2026-10-12",
    ):
        assert said in text, said


def test_a_day_without_any_check_says_so(url):
    answer = requests.get(f"{url}/sites/SOUTH/days/{DAY}", timeout=120)
    assert "no check of it counts" in answer.text
