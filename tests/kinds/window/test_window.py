"""Windows: when they are open, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.kinds.window import Times, WindowSpec

NIGHTS = Times("0 22 * * *", 360, "Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "now", "open_", "until"),
    [
        (NIGHTS, "2026-11-22 20:59", False, "2026-11-22 21:00"),
        (NIGHTS, "2026-11-22 21:00", True, "2026-11-23 03:00"),
        (NIGHTS, "2026-11-23 02:59", True, "2026-11-23 03:00"),
        (NIGHTS, "2026-11-23 03:00", False, "2026-11-23 21:00"),
        (NIGHTS, "2026-07-01 20:00", True, "2026-07-02 02:00"),
        (Times("0 8 * * 1-5", 600), "2026-11-21 12:00", False, "2026-11-23 08:00"),
        (Times("0 0,2 * * *", 150), "2026-11-21 01:00", True, "2026-11-21 04:30"),
        (Times("0 0 1 1 *", 44_640), "2027-01-15 00:00", True, "2027-02-01 00:00"),
        (Times("30 2 * * *", 30, "Europe/Berlin"), "2026-03-29 00:59", False, "2026-03-29 01:00"),
    ],
)
def test_a_window_is_open_from_its_schedule_for_its_minutes(times, now, open_, until):
    assert times.at(utc(now)) == (open_, utc(until))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 (the zone is put on below)
    st.sampled_from([NIGHTS, Times("0 8 * * 1-5", 600), Times("15 */6 * * *", 300, "America/New_York")]),
)
def test_what_changes_next_is_the_other_state(now, times):
    open_, until = times.at(now.replace(tzinfo=UTC))
    assert until > now.replace(tzinfo=UTC)
    assert times.at(until)[0] is not open_
    assert times.at(until - timedelta(microseconds=1))[0] is open_


def window(**more) -> WindowSpec:
    said = {"type": "deny", "schedule": "0 0 * * 6", "minutes": 60, "reason": "quiet", **more}
    return WindowSpec.model_validate(said, strict=False)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"schedule": "0 25 * * *"}, "'0 25 * * *' is no schedule: Bad hour"),
        ({"schedule": "0 0 30 2 *"}, "'0 0 30 2 *' is no schedule"),
        ({"schedule": "0 0 0 * * *"}, "is no schedule of five fields"),
        ({"schedule": "@daily"}, "is no schedule"),
        ({"schedule": ""}, "is no schedule"),
        ({"timezone": "Europe/Berln"}, "'Europe/Berln' is no time zone"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"minutes": 0}, "greater than or equal to 1"),
        ({"schedule": "0 * * * *"}, "it would never close"),
    ],
)
def test_what_is_no_window_is_refused_with_the_cure(more, said):
    with pytest.raises(ValidationError, match=said.replace("*", r"\*").replace("..", r"\.\.")):
        window(**more)
