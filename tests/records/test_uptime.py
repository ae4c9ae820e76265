"""Availability rows: a day is replaced whole, and read by level, site and range."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from reconciler.errors import RecordsError
from reconciler.model import Ref
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.ports import CheckResult

FIRST = date(2026, 10, 1)
ROW = UptimeRecord(
    "Default",
    FIRST,
    "group",
    "NORTH",
    "",
    "",
    "",
    "NGI_DE",
    3.0,
    99.5,
    100.0,
    0.995,
    0.0,
    0.005,
    ((0, "OK"), (60, "DOWNTIME")),
    ("r1",),
)
ENDPOINT = replace(ROW, level="endpoint", function="cloud", service="nova", hostname="a.example.org", recomputations=())
DAY = UptimeDay("Default", FIRST, "abc", "c0ffee", True, datetime(2026, 10, 2, tzinfo=UTC))


def test_a_day_is_replaced_whole(store):
    store.uptime.rebuild(DAY, [ROW, ENDPOINT])
    store.uptime.rebuild(DAY, [replace(ROW, site="SOUTH")])
    store.uptime.rebuild(DAY, [replace(ROW, site="SOUTH")])
    assert [row.site for row in store.uptime.rows("Default", FIRST, FIRST, ("group", "endpoint"))] == ["SOUTH"]


def test_rows_are_read_as_they_were_written(store):
    store.uptime.rebuild(DAY, [ENDPOINT, ROW])
    assert store.uptime.rows("Default", FIRST, FIRST, ("group", "endpoint")) == (ROW, ENDPOINT)
    assert store.uptime.rows("Default", FIRST, FIRST) == (ROW,)
    assert store.uptime.rows("Default", FIRST, FIRST, site="SOUTH") == ()
    assert store.uptime.rows("Other", FIRST, FIRST) == ()
    assert store.uptime.days("Default", FIRST, FIRST + timedelta(days=5)) == {FIRST: DAY}
    assert store.uptime.reports() == ("Default",)


def test_a_sites_share_is_of_the_time_that_is_known_over_all_days(store):
    second = FIRST + timedelta(days=1)
    store.uptime.rebuild(DAY, [replace(ROW, up=0.5, unknown=0.5), replace(ROW, site="SOUTH", up=0.0, unknown=1.0)])
    store.uptime.rebuild(
        replace(DAY, day=second), [replace(ROW, day=second, up=0.25, unknown=0.0), replace(ENDPOINT, day=second)]
    )
    assert store.uptime.shares(FIRST) == {"NORTH": 0.75 / 1.5}
    assert store.uptime.shares(second) == {"NORTH": 0.25}
    assert store.uptime.shares(second + timedelta(days=1)) == {}


def test_of_several_reports_the_default_one_counts(store):
    store.uptime.rebuild(replace(DAY, report="Other"), [replace(ROW, report="Other", up=0.1)])
    assert store.uptime.shares(FIRST) == {"NORTH": 0.1}
    store.uptime.rebuild(replace(DAY, report="Third"), [replace(ROW, report="Third")])
    assert store.uptime.shares(FIRST) == {}
    store.uptime.rebuild(DAY, [ROW])
    assert store.uptime.shares(FIRST) == {"NORTH": 0.995}


def test_rows_of_another_day_are_refused(store):
    with pytest.raises(RecordsError, match="is not of Default on 2026-10-01"):
        store.uptime.rebuild(DAY, [replace(ROW, day=date(2026, 10, 2))])


def test_results_come_probe_by_probe_in_the_order_of_time(store, clock):
    web, name = Ref("Probe/vo-x/web"), Ref("Probe/vo-x/name")
    start = clock()
    assert store.uptime.first_result() is None
    for minutes, ref in ((3, web), (1, name), (2, web), (9, web)):
        store.probes.add_result(
            ref, CheckResult("OK", "fine", (("time", 1.5, "s", "", "", "", ""),)), 1, start + timedelta(minutes=minutes)
        )
    found = list(store.uptime.results([web, name], start, start + timedelta(minutes=9), data=True))
    assert [(ref, (at - start).seconds // 60) for ref, at, *_ in found] == [(name, 1), (web, 2), (web, 3)]
    assert found[0][2:] == ("OK", [["time", 1.5, "s", "", "", "", ""]])
    few = store.uptime.results([web], start, start + timedelta(hours=1), changes_only=True)
    assert [(ref, at, status, data) for ref, at, status, data in few] == [
        (web, start + timedelta(minutes=2), "OK", None)
    ]
    assert not store.uptime.trimmed
    assert store.uptime.first_result() == start + timedelta(minutes=1)
    assert store.uptime.result_at(web, start + timedelta(minutes=5)).at == start + timedelta(minutes=3)
    assert store.uptime.result_at(web, start) is None
