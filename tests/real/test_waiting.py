"""Waiting: what is right is given back, and who gives up says what was seen last."""

from __future__ import annotations

import pytest

from tests.real.waiting import until


def test_what_was_waited_for_is_given_back():
    numbers = iter(range(5))
    assert until("three", lambda: next(numbers), lambda number: number == 3, every=0) == 3


def test_who_gives_up_says_what_was_waited_for_and_what_was_seen_last():
    with pytest.raises(AssertionError, match=r"not in 0 s: a fourth; seen last: 3\nof five"):
        until("a fourth", lambda: 3, lambda number: number == 4, why=lambda: "of five", seconds=0)
