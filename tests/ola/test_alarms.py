"""Alarms: which checks ask for a ticket, and which have an excuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kinds.downtime import Interval
from reconciler.kinds.report import BUILTIN
from reconciler.model import Ref
from reconciler.ola import alarm_drafts
from reconciler.ola.alarms import alarms
from reconciler.ports import CheckResult
from reconciler.records.store import open_store
from tests.uptime.test_days import NORTH, asked, probe

NOW = datetime(2026, 10, 8, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=2)
RESOURCES = dict([NORTH, probe("web", "a"), probe("off", "a", enabled=False), probe("quiet", "b")])


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as opened:
        yield opened


def says(store, name: str, *statuses: str, attempts: int = 1) -> None:
    for n, status in enumerate(statuses):
        result = CheckResult(status, f"{status.lower()} now")
        store.probes.add_result(Ref(f"Probe/vo/{name}"), result, attempts, SINCE + timedelta(hours=n))


def found(store, **more):
    return alarms(store, asked(RESOURCES, **more), BUILTIN["Default"], NOW)


def test_a_check_of_a_monitored_service_that_fails_for_good_is_an_alarm(store):
    says(store, "web", "CRITICAL", "CRITICAL")
    (one,) = found(store)
    assert (one.site, one.ngi, one.service, one.hostname) == ("NORTH", "NGI_X", "webdav", "a.example.org")
    assert (one.probe, one.since, one.summary) == (Ref("Probe/vo/web"), SINCE, "critical now")
    (draft,) = alarm_drafts([one])
    assert "critical now" in draft.body


@pytest.mark.parametrize("statuses", [("OK",), ("CRITICAL", "OK"), ("WARNING",), ("UNKNOWN",)])
def test_what_works_or_is_not_known_is_none(store, statuses):
    says(store, "web", *statuses)
    assert found(store) == []


def test_what_failed_too_few_times_is_none(store):
    says(store, "web", "OK", "CRITICAL", attempts=3)
    assert found(store) == []


def test_services_that_are_not_monitored_and_probes_that_are_off_are_none(store):
    says(store, "quiet", "CRITICAL")
    says(store, "off", "CRITICAL")
    assert found(store) == []


DOWN = Interval(
    "0123456789ab", Ref("Downtime/x"), "NORTH", "a", "webdav", "a.example.org", NOW - timedelta(hours=1),
    NOW + timedelta(hours=1), "OUTAGE", "UNSCHEDULED", NOW, "cooling",
)  # fmt: skip


def test_a_service_that_is_in_a_downtime_is_none_as_long_as_it_lasts(store):
    says(store, "web", "CRITICAL")
    assert found(store, told=lambda _day: [DOWN]) == []
    over = replace(DOWN, end=NOW - timedelta(minutes=1))
    assert len(found(store, told=lambda _day: [over])) == 1
