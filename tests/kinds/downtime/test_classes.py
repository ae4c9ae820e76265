"""Whether a downtime was scheduled: from what commits stated, and when."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.downtime import DowntimeSpec, Interval, Stated, classification, intervals
from tests.kinds.downtime.downtimes import HOUR, REF, SITES, at, downtime, resources

CE = [{"site": "SOUTH"}]


def of(*stated: tuple[float, DowntimeSpec | None], now: float = 0) -> list[Interval]:
    """The intervals of the last statement."""
    specs = [spec for _, spec in stated if spec]
    history = [Stated(at(hours), spec) for hours, spec in stated]
    return intervals(resources({**SITES, str(REF): specs[-1]}), {REF: history}, at(now))


def told(found: list[Interval]) -> list[tuple[float, float, str]]:
    return [((one.start - at(0)) / HOUR, (one.end - at(0)) / HOUR, one.classification) for one in found]


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(hours=24), "UNSCHEDULED"),
        (timedelta(hours=24, seconds=1), "SCHEDULED"),
        (timedelta(hours=23, minutes=59), "UNSCHEDULED"),
        (timedelta(days=5), "SCHEDULED"),
        (timedelta(0), "UNSCHEDULED"),
        (timedelta(hours=-48), "UNSCHEDULED"),
    ],
)
def test_scheduled_is_what_begins_more_than_a_day_after_it_was_declared(ahead, expected):
    assert classification(at(0) + ahead, at(0)) == expected


def test_what_no_commit_has_stated_is_declared_now():
    assert told(intervals(resources({**SITES, str(REF): downtime(48, 52, CE)}), {}, at(0))) == [(48, 52, "SCHEDULED")]
    assert told(intervals(resources({**SITES, str(REF): downtime(48, 52, CE)}), {}, at(24))) == [
        (48, 52, "UNSCHEDULED")
    ]


@pytest.mark.parametrize(
    ("name", "stated", "expected"),
    [
        ("as it was", [(0, (48, 52)), (40, (48, 52))], [(48, 52, "SCHEDULED")]),
        ("closed early", [(0, (48, 52)), (49, (48, 50))], [(48, 50, "SCHEDULED")]),
        ("extended late", [(0, (48, 52)), (50, (48, 60))], [(48, 52, "SCHEDULED"), (52, 60, "UNSCHEDULED")]),
        ("extended in time", [(0, (48, 80)), (50, (48, 90))], [(48, 90, "SCHEDULED")]),
        ("declared late, extended in time", [(40, (48, 80)), (50, (48, 90))], [(48, 80, "UNSCHEDULED"), (80, 90, "SCHEDULED")]),
        ("closed, then opened again", [(0, (48, 60)), (49, (48, 50)), (51, (48, 60))], [(48, 50, "SCHEDULED"), (50, 60, "UNSCHEDULED")]),
        ("begins later than was said", [(0, (48, 60)), (46, (50, 60))], [(50, 60, "UNSCHEDULED")]),
        ("begins earlier than was said", [(0, (48, 60)), (10, (46, 60))], [(46, 60, "SCHEDULED")]),
        ("moved and moved back", [(0, (48, 60)), (30, (50, 60)), (31, (48, 60))], [(48, 60, "UNSCHEDULED")]),
        ("taken away and put back", [(0, (48, 60)), (30, None), (31, (48, 60))], [(48, 60, "UNSCHEDULED")]),
        ("extended twice", [(0, (48, 52)), (50, (48, 60)), (59, (48, 62))], [(48, 52, "SCHEDULED"), (52, 62, "UNSCHEDULED")]),
    ],
)  # fmt: skip
def test_a_start_counts_from_the_commit_that_stated_it_and_an_end_likewise(name, stated, expected):
    said = [(when, downtime(*times, CE) if times else None) for when, times in stated]
    assert told(of(*said)) == expected, name


def test_an_outage_that_was_announced_as_a_risk_is_declared_when_it_became_an_outage():
    risk, outage = downtime(48, 52, CE, severity="WARNING"), downtime(48, 52, CE)
    assert told(of((0, risk), (40, outage))) == [(48, 52, "UNSCHEDULED")]
    assert told(of((0, outage), (40, risk))) == [(48, 52, "SCHEDULED")]


def test_a_service_that_is_added_late_is_unscheduled_and_the_others_are_not():
    first = downtime(48, 52, [{"site": "NORTH", "services": ["nova"]}])
    both = downtime(48, 52, [{"site": "NORTH", "services": ["nova", "dav"]}])
    found = {one.service: one.classification for one in of((0, first), (40, both))}
    assert found == {"dav": "UNSCHEDULED", "nova": "SCHEDULED"}


def test_naming_services_one_by_one_declares_nothing_anew():
    whole = downtime(48, 52, [{"site": "NORTH"}])
    named = downtime(48, 52, [{"site": "NORTH", "services": ["nova", "dav", "dav2"]}])
    assert {one.classification for one in of((0, whole), (40, named))} == {"SCHEDULED"}


def test_the_id_is_kept_by_an_end_that_moves_and_is_another_for_what_an_entry_says_itself():
    short, long_ = downtime(48, 52, CE), downtime(48, 50, CE)
    (one,), (other,) = of((0, short)), of((0, long_))
    assert one.id == other.id
    assert of((0, downtime(49, 52, CE)))[0].id != one.id
    parts = [
        {"site": "NORTH"},
        {"site": "NORTH", "services": ["dav"], "end": at(49).isoformat(), "severity": "WARNING"},
    ]
    found = of((0, downtime(48, 52, parts)))
    assert {one.service: (one.end, one.severity) for one in found} == {
        "nova": (at(52), "OUTAGE"),
        "dav": (at(49), "WARNING"),
        "dav2": (at(52), "OUTAGE"),
    }
    assert len({one.id for one in found}) == 2


def test_why_says_both_times():
    (one,) = of((0, downtime(48, 52, CE)))
    assert one.why == "declared 2026-10-12 12:00Z, 48.0 h before it begins: more than 24 h ahead"
    (one,) = of((50, downtime(48, 52, CE)))
    assert one.why == "declared 2026-10-14 14:00Z, 2.0 h after it began: not more than 24 h ahead"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "24 h 00 min 01 s before it begins: more than 24 h ahead"),
        (0, "24 h 00 min 00 s before it begins: not more than 24 h ahead"),
        (1, "23 h 59 min 59 s before it begins: not more than 24 h ahead"),
        (120, "23 h 58 min 00 s before it begins: not more than 24 h ahead"),
        (3600, "23.0 h before it begins: not more than 24 h ahead"),
    ],
)
def test_why_tells_seconds_near_the_limit(seconds, said):
    (one,) = of((24 + seconds / 3600, downtime(48, 52, CE)))
    assert one.why.partition(", ")[2] == said


_hours = st.integers(min_value=-60, max_value=120)
_statements = st.lists(
    st.tuples(st.integers(0, 100), st.one_of(st.none(), st.tuples(st.sampled_from([24, 48, 72]), st.integers(1, 60)))),
    min_size=1,
    max_size=6,
)


@given(said=_statements, last=st.tuples(st.sampled_from([24, 48, 72]), st.integers(1, 60)))
def test_parts_are_the_whole_and_no_part_is_declared_later_than_it_must(said, last):
    """Whatever was stated before: nothing is lost or doubled, classes alternate, and the newest commit is a bound."""
    order = sorted(said, key=lambda one: one[0])
    stated = [(when, downtime(one[0], one[0] + one[1], CE) if one else None) for when, one in order]
    newest = order[-1][0] + 1
    found = of(*stated, (newest, downtime(last[0], last[0] + last[1], CE)))
    assert (found[0].start, found[-1].end) == (at(last[0]), at(sum(last)))
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.classification != after.classification
        assert before.declared < after.declared
    for one in found:
        assert at(order[0][0]) <= one.declared <= at(newest)
        assert (one.classification == "SCHEDULED") == (one.start > one.declared + timedelta(hours=24))
    declared_anew = of((newest, downtime(last[0], last[0] + last[1], CE)))
    if declared_anew[0].classification == "SCHEDULED":
        assert {one.classification for one in found} == {"SCHEDULED"}


@given(start=_hours, declared=_hours)
def test_a_later_commit_never_makes_a_downtime_scheduled(start, declared):
    (one,) = of((declared, downtime(start, start + 5, CE)))
    (late,) = of((declared + 7, downtime(start, start + 5, CE)))
    assert not (one.classification == "UNSCHEDULED" and late.classification == "SCHEDULED")
