"""Months, custom ranges and NGIs."""

from __future__ import annotations

import math

import pytest

from reconciler.availability import Numbers, mean, supergroup, supergroup_mean

PERFECT = Numbers(100, 100, 1, 0, 0)
NOTHING = Numbers(-1, -1, 0, 1, 0)


def test_a_perfect_month_has_nearly_a_hundred_percent():
    made = mean([PERFECT] * 30)
    assert made.availability == made.reliability == pytest.approx(99.999999, abs=1e-7)


def test_a_month_is_made_of_fractions_and_not_of_percentages():
    made = mean([Numbers(100, 100, 0.1, 0.9, 0), Numbers(0, 0, 0, 0, 0), Numbers(50, 100, 0.5, 0, 0.5)])
    assert (made.up, made.unknown, made.down) == pytest.approx((0.2, 0.3, 0.16667), abs=1e-4)
    assert made.availability == pytest.approx(0.2 / 0.7 * 100, rel=1e-6)
    assert made.reliability == pytest.approx(0.2 / (0.7 - 1 / 6) * 100, rel=1e-6)


def test_days_without_a_row_do_not_count_and_none_makes_nothing():
    assert mean([]) is None
    assert mean([NOTHING]).availability == 0


def test_an_ngi_is_weighted_by_one_more_than_its_sites_weights():
    made = supergroup([(Numbers(100, 100, 1, 0, 0), 3), (Numbers(50, 60, 0.5, 0, 0), 0), (NOTHING, 1000)])
    assert (made.availability, made.reliability) == ((400 + 50) / 5, (400 + 60) / 5)


def test_availability_and_reliability_are_skipped_each_by_itself():
    made = supergroup([(Numbers(0, -1, 0, 0, 1), 1), (Numbers(100, 100, 1, 0, 0), 1)])
    assert (made.availability, made.reliability) == (50, 100)


def test_an_ngi_without_any_number_is_none_of_a_number():
    lone = supergroup([(NOTHING, 5)])
    assert math.isnan(lone.availability)
    whole = supergroup_mean([lone, supergroup([(PERFECT, 0)]), supergroup([(Numbers(50, 50, 0.5, 0, 0), 0)])])
    assert (whole.availability, whole.days) == (75, 3)
    assert math.isnan(supergroup_mean([lone]).reliability)
