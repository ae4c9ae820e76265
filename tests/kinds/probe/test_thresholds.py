"""Ranges as plugins write them, and what they make of a result."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.probe import Limits, graded, parse_range
from reconciler.ports import CheckResult


@pytest.mark.parametrize(
    ("text", "alerting", "quiet"),
    [
        ("10", [-1, 10.1], [0, 5, 10]),
        ("10:", [9.9, -5], [10, 1e9]),
        ("~:10", [10.1], [-1e9, 10]),
        ("10:20", [9, 21], [10, 15, 20]),
        ("@10:20", [10, 15, 20], [9.9, 20.1]),
        ("@10", [0, 10], [-1, 11]),
        ("@~:0", [-1, 0], [0.1]),
        ("-5:-1", [-6, 0], [-5, -1]),
        (":10", [-1, 11], [0, 10]),
        ("~:", [], [-1e9, 0, 1e9]),
        ("0.5:1.5", [0.4], [1.0]),
        ("5:5", [4, 6], [5]),
    ],
)
def test_a_range_alerts_outside_or_with_an_at_inside(text, alerting, quiet):
    found = parse_range(text)
    assert all(found.alerts(value) for value in alerting)
    assert not any(found.alerts(value) for value in quiet)


@pytest.mark.parametrize("text", ["", "@", ":", "@:", "20:10", "a", "1:2:3", "10,20", " 1", "1e3", "~", "10:~", "nan"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match=r"range|starts"):
        parse_range(text)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(-3e6, 3e6))
def test_an_at_turns_a_range_inside_out(start, length, value):
    start, end = round(start, 3), round(start + length, 3)
    text = f"{start:.3f}:{max(start, end):.3f}"
    assert parse_range(text).alerts(value) != parse_range(f"@{text}").alerts(value)


def result(status="OK", **values):
    return CheckResult(status, "HTTP OK", tuple((k, float(v), "s", "", "", "", "") for k, v in values.items()))


def limits(label="time", **bounds):
    return Limits(label=label, **bounds)


@pytest.mark.parametrize(("value", "status"), [(1, "OK"), (3, "WARNING"), (6, "CRITICAL"), (-1, "CRITICAL")])
def test_the_worse_bound_counts(value, status):
    assert graded(result(time=value), [limits(warning="2", critical="5")]).status == status


def test_a_result_is_made_worse_and_never_better():
    assert graded(result("CRITICAL", time=1), [limits(warning="2")]).status == "CRITICAL"
    assert graded(result("WARNING", time=9), [limits(critical="5")]).status == "CRITICAL"
    assert graded(result("UNKNOWN"), [limits(critical="5")]) == result("UNKNOWN")


def test_the_summary_says_which_bound_was_passed():
    said = graded(result(time=7), [limits(warning="2", critical="5")]).summary
    assert said == "time is 7s, critical by 5 (HTTP OK)"


def test_what_was_not_measured_is_unknown_when_all_else_is_well():
    assert graded(result(size=1), [limits(warning="2")]).status == "UNKNOWN"
    assert graded(result("CRITICAL"), [limits(warning="2")]).status == "CRITICAL"
    assert graded(result(size=9), [limits(warning="2"), limits("size", warning="2")]).status == "WARNING"


def test_no_thresholds_change_nothing():
    one = result(time=math.pi)
    assert graded(one, ()) is one
