"""Thresholds on performance data, the other way round than a plugin's own."""

from __future__ import annotations

import pytest

from reconciler.availability import EGI, ThresholdRule, Thresholds
from reconciler.availability.thresholds import Range, limits, raised


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("10", [1, 9.9], [0, 10, -1, 11]),
        ("10:", [10.1, 1e9], [10, 0]),
        ("~:20", [-1e9, 19], [20, 21]),
        ("20:30", [25], [20, 30, 40]),
        ("@20:30", [20, 30, 40, -1], [25]),
    ],
)
def test_a_status_is_raised_strictly_inside_a_range(text, inside, outside):
    assert all(Range.parse(text).holds(value) for value in inside)
    assert not any(Range.parse(text).holds(value) for value in outside)


@pytest.mark.parametrize(
    ("expression", "data", "status"),
    [
        ("time=1s;0:5;5:10", "time=3s;;;0", "WARNING"),
        ("time=1s;0:5;5:10", "time=7.5s", "CRITICAL"),
        ("time=1s;0:5;5:10", "time=5s", ""),
        ("time=1s;0:10;5:10", "time=7s", "WARNING"),
        ("time=1s;0:5;5:10 size=1B;10:;", "time=7s size=20B", "CRITICAL"),
        ("time=1s;0:5;5:10;size=1B;10:", "time=20s size=20B", "WARNING"),
        ("time=1s;0:5;5:10", "size=20B", ""),
        ("time=1s;0:5;5:10;0;100", "'time'=2s", "WARNING"),
    ],
)
def test_values_raise_a_status(expression, data, status):
    assert raised(ThresholdRule("m", limits(expression)), data, EGI) == status


@pytest.mark.parametrize(
    "expression", ["", "time", "time=x", "1time=3", "time=1;a", "time=1miles;2;3", "time=1;2;3;4;5;6"]
)
def test_what_is_no_threshold_is_refused(expression):
    with pytest.raises(ValueError, match="Invalid threshold"):
        limits(expression)


def test_the_most_specific_rule_counts():
    rules = [ThresholdRule("m", (), host, group) for host in ("", "h") for group in ("", "g")]
    thresholds = Thresholds(tuple(rules))
    found = [thresholds.rule(g, h, "m")[2:] for g, h in (("g", "h"), ("x", "h"), ("g", "x"), ("x", "x"))]
    assert found == [("h", "g"), ("h", ""), ("", "g"), ("", "")]
    assert thresholds.rule("g", "h", "other") is None
