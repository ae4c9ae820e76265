"""What the records tell about places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model import ProbeState, Ref, StatusChange
from reconciler.records.history import standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROBE = Ref("Probe/tides/keystone")


def hours(n: float) -> datetime:
    return NOW - timedelta(hours=n)


BEFORE = hours(100)


def state(hard: str = "OK", since: datetime = BEFORE, checked: datetime = NOW) -> ProbeState:
    return ProbeState(PROBE, hard, hard, 0, since, checked, "timeout")


def change(at: datetime, before: str, after: str) -> StatusChange:
    return StatusChange(PROBE, at, before, after, hard=True)


@pytest.mark.parametrize(
    ("now", "changes", "share", "measured"),
    [
        (state(), [], 1.0, 100),
        (state("CRITICAL", hours(25)), [change(hours(25), "OK", "CRITICAL")], 695 / 720, 720),
        (state("OK", hours(80)), [change(hours(80), "UNKNOWN", "OK")], 1.0, 80),
        (
            state("OK", hours(40)),
            [
                change(hours(100), "UNKNOWN", "OK"),
                change(hours(60), "OK", "CRITICAL"),
                change(hours(40), "CRITICAL", "WARNING"),
            ],
            0.8,
            100,
        ),
        (state("UNKNOWN"), [], None, 0),
        (state("OK", hours(100), checked=hours(50)), [], 1.0, 50),
    ],
)
def test_availability_is_the_share_of_what_was_measured(now, changes, share, measured):
    found = standing(now, changes, NOW)
    assert found.availability == pytest.approx(share)
    assert found.measured == timedelta(hours=measured)


def test_what_fails_now_is_said_and_what_was_not_looked_at_for_a_day_is_not_now():
    assert standing(state("CRITICAL", hours(3)), [], NOW).failing == (
        "keystone is CRITICAL since 2026-11-21 09:00: timeout"
    )
    assert standing(state("CRITICAL", hours(90), checked=hours(25)), [], NOW).failing == ""
