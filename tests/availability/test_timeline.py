"""Timelines: change points, folding them, laying downtimes over them, and their numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.availability import DAY, EGI, Quirks, Sample, Timeline, numbers, trends
from reconciler.availability.downtime import overlaid
from reconciler.availability.samples import timeline_of
from reconciler.availability.timeline import _counting, _in_order, combined
from reconciler.availability.trends import summed

STATES = ["OK", "WARNING", "UNKNOWN", "MISSING", "CRITICAL", "DOWNTIME"]
seconds = st.integers(0, DAY - 1)
timelines = st.builds(
    lambda first, points: Timeline.of({**points, 0: first}),
    st.sampled_from(STATES),
    st.dictionaries(seconds, st.sampled_from(STATES), max_size=8),
)


def clock(text: str) -> int:
    """Seconds of ``HH:MM`` or ``HH:MM:SS``."""
    hours, minutes, *rest = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)


def day(**points: str) -> Timeline:
    """A timeline from ``h03="OK"`` (03:00) or ``h0330="OK"``."""
    return Timeline.of({clock(f"{name[1:3]}:{name[3:5] or '00'}"): state for name, state in points.items()})


def told(timeline: Timeline) -> list[str]:
    return [f"{t // 3600:02}:{t // 60 % 60:02}:{t % 60:02} {s}" for t, s in zip(*timeline, strict=True)]


# -- from samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([(-60, "CRITICAL"), (3600, "OK")], ["00:00:00 CRITICAL", "01:00:00 OK"]),
        ([(3600, "OK")], ["00:00:00 MISSING", "01:00:00 OK"]),
        ([(0, "OK"), (3600, "OK")], ["00:00:00 OK"]),
        ([(-60, "CRITICAL"), (0, "OK")], ["00:00:00 OK"]),
        ([(-60, "CRITICAL")], ["00:00:00 CRITICAL"]),
        ([(-90_000, "OK"), (3600, "OK")], ["00:00:00 MISSING", "01:00:00 OK"]),
        ([(-60, "OK"), (-7200, "CRITICAL"), (3600, "WARNING")], ["00:00:00 OK", "01:00:00 WARNING"]),
        (
            [(60, "OK"), (120, "OK"), (180, "CRITICAL"), (DAY, "OK")],
            ["00:00:00 MISSING", "00:01:00 OK", "00:03:00 CRITICAL"],
        ),
        ([(60, "OK"), (60, "CRITICAL")], ["00:00:00 MISSING", "00:01:00 CRITICAL"]),
    ],
)
def test_a_day_starts_with_the_last_status_of_the_day_before(samples, expected):
    assert told(timeline_of([Sample(*one) for one in samples], "MISSING")) == expected


@given(
    st.lists(
        st.tuples(st.integers(-DAY - 9, DAY + 9), st.sampled_from(STATES)),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[0],
    )
)
def test_the_order_of_samples_does_not_matter(rows):
    some = [Sample(*row) for row in rows]
    made = timeline_of(some, "MISSING")
    assert (
        timeline_of(sorted(some, key=lambda one: one.second), "MISSING") == made == timeline_of(some[::-1], "MISSING")
    )


def test_without_any_sample_there_is_no_timeline():
    assert timeline_of([], "MISSING") is None
    assert timeline_of([Sample(-90_000, "OK"), Sample(DAY + 5, "OK")], "MISSING") is None


# -- folding -----------------------------------------------------------------------------------------------------------


def test_metrics_are_folded_wherever_one_changes():
    made = combined([day(h00="OK", h06="CRITICAL", h07="OK"), day(h00="UNKNOWN", h0630="OK")], "AND", EGI)
    assert told(made) == ["00:00:00 UNKNOWN", "06:00:00 CRITICAL", "07:00:00 OK"]


@given(st.lists(timelines, min_size=1, max_size=6), st.sampled_from(["AND", "OR"]), seconds)
def test_a_fold_is_at_each_second_what_the_statuses_make(some, operation, second):
    made = combined(some, operation, EGI)
    assert made.at(second) == EGI.fold(operation, [one.at(second) for one in some])
    assert all(a != b for a, b in zip(made.states, made.states[1:], strict=False))
    assert Timeline.of(dict(_counting(some, operation, EGI))) == Timeline.of(dict(_in_order(some, operation, EGI)))


# -- downtimes ---------------------------------------------------------------------------------------------------------

BAD = day(h00="OK", h03="CRITICAL", h12="OK")


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [
        (
            "04:00",
            "06:00",
            "24:00",
            ["00:00:00 OK", "03:00:00 CRITICAL", "04:00:00 DOWNTIME", "06:01:00 CRITICAL", "12:00:00 OK"],
        ),
        ("02:00", "13:00", "24:00", ["00:00:00 OK", "02:00:00 DOWNTIME", "13:01:00 OK"]),
        ("02:00", "12:00", "24:00", ["00:00:00 OK", "02:00:00 DOWNTIME"]),
        (
            "20:00",
            "23:58",
            "24:00",
            ["00:00:00 OK", "03:00:00 CRITICAL", "12:00:00 OK", "20:00:00 DOWNTIME", "23:59:00 OK"],
        ),
        ("20:00", "23:59", "24:00", ["00:00:00 OK", "03:00:00 CRITICAL", "12:00:00 OK", "20:00:00 DOWNTIME"]),
        ("02:00", "13:00", "05:00", ["00:00:00 OK", "02:00:00 DOWNTIME", "12:00:00 OK"]),
        ("06:00", "13:00", "05:00", ["00:00:00 OK", "03:00:00 CRITICAL", "12:00:00 OK"]),
    ],
    ids=["inside", "over-changes", "sample-at-end", "last-minute", "to-midnight", "not-over", "not-begun"],
)
def test_a_downtime_is_laid_over_a_timeline(start, end, now, expected):
    assert told(overlaid(BAD, clock(start), clock(end), "DOWNTIME", clock(now))) == expected


@pytest.mark.parametrize("period", [(-7200, -60), (DAY, DAY + 3600)])
def test_a_downtime_of_another_day_changes_nothing(period):
    assert overlaid(BAD, *period, "DOWNTIME") == BAD


def test_a_downtime_over_midnights_is_the_whole_day():
    assert told(overlaid(BAD, -5, DAY + 5, "DOWNTIME")) == ["00:00:00 DOWNTIME"]


def test_each_surprise_can_be_switched_off():
    def end(timeline: Timeline, at: int, **quirks: bool) -> list[str]:
        return told(overlaid(timeline, 0, at, "DOWNTIME", quirks=Quirks(**quirks)))[1:]

    noon = clock("12:00")
    assert end(BAD, noon, sample_at_end_hides_return=False) == ["12:01:00 OK"]
    assert end(BAD, noon + 60, downtime_minute_included=False) == ["12:01:00 OK"]
    assert end(BAD, clock("23:59"), no_return_in_last_minute=False) == []
    assert end(BAD, clock("23:58") + 30, no_return_in_last_minute=False) == ["23:59:30 OK"]
    soon = Timeline.of({0: "CRITICAL", noon + 30: "OK"})
    assert end(soon, noon) == ["12:00:30 OK", "12:01:00 CRITICAL"]
    assert end(soon, noon, return_overrules_samples=False) == ["12:01:00 OK"]


@given(timelines, seconds, seconds)
def test_what_is_outside_a_downtime_and_its_minute_stays(timeline, one, two):
    start, end = sorted((one, two))
    made = overlaid(timeline, start, end, "DOWNTIME")
    assert start == 0 or made.at(start - 1) == timeline.at(start - 1)
    assert made.at(end) == made.at(start) == "DOWNTIME"
    for time in timeline.times:
        assert time <= end + 60 or made.at(time) == timeline.at(time)


# -- replacing ---------------------------------------------------------------------------------------------------------


@given(timelines, seconds, st.integers(0, 2 * DAY), seconds)
def test_a_replaced_stretch_has_its_status_and_the_rest_its_own(timeline, start, length, second):
    made = timeline.replaced(start, start + length, "UNKNOWN")
    inside = start <= second < start + length
    assert made.at(second) == ("UNKNOWN" if inside else timeline.at(second))


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        (
            day(h00="OK", h03="CRITICAL", h12="UNKNOWN", h18="DOWNTIME", h22="OK"),
            (27.77778, 35.71429, 0.20833, 0.25, 0.16667),
        ),
        (day(h00="OK"), (100, 100, 1, 0, 0)),
        (day(h00="WARNING"), (100, 100, 1, 0, 0)),
        (day(h00="CRITICAL"), (0, 0, 0, 0, 0)),
        (day(h00="MISSING"), (-1, -1, 0, 1, 0)),
        (day(h00="UNKNOWN", h12="MISSING"), (-1, -1, 0, 1, 0)),
        (day(h00="DOWNTIME"), (0, -1, 0, 0, 1)),
        (day(h00="OK", h12="EXCLUDED"), (50, 50, 0.5, 0, 0)),
    ],
)
def test_a_day_has_its_numbers(timeline, expected):
    assert numbers(timeline.seconds()) == expected


def test_excluded_time_may_count_as_unknown():
    made = numbers(day(h00="OK", h12="EXCLUDED").seconds(), Quirks(excluded_counts_as_down=False))
    assert made == (100, 100, 0.5, 0.5, 0)


@given(timelines)
def test_reliability_is_never_below_availability(timeline):
    made = numbers(timeline.seconds())
    assert sum(timeline.seconds().values()) == DAY
    assert made.reliability == -1 or made.reliability >= made.availability
    assert all(-1 <= value <= 100 for value in made)


# -- trends ------------------------------------------------------------------------------------------------------------


def test_trends_count_whole_minutes_and_how_often():
    made = trends(day(h00="OK", h06="CRITICAL", h07="OK", h20="UNKNOWN"))
    assert [tuple(one) for one in made] == [("OK", 1140, 2), ("UNKNOWN", 240, 1), ("CRITICAL", 60, 1)]
    assert [tuple(one) for one in trends(day(h00="OK"))] == [("OK", 1440, 1)]
    assert [tuple(one) for one in trends(Timeline.of({0: "OK", 43_230: "CRITICAL"}))] == [
        ("CRITICAL", 720, 1),
        ("OK", 720, 1),
    ]
    assert next(tuple(one) for one in summed([made, made])) == ("OK", 2280, 4)


def test_flip_flops_are_changes():
    assert [day(h00="OK").changes, BAD.changes] == [0, 2]
