"""Truth tables: EGI's as published, others as they are given."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.availability import EGI, Operations
from reconciler.availability.states import EXCLUDED

# Rows of EGI's tables, each pair once: what the worse and what the better of two is.
WORST = ["OK", "WARNING", "UNKNOWN", "MISSING", "DOWNTIME", "CRITICAL"]
BEST = ["OK", "WARNING", "CRITICAL", "UNKNOWN", "DOWNTIME", "MISSING"]
ROWS = [
    ("AND", "OK", "WARNING", "WARNING"),
    ("AND", "OK", "MISSING", "MISSING"),
    ("AND", "UNKNOWN", "MISSING", "MISSING"),
    ("AND", "UNKNOWN", "CRITICAL", "CRITICAL"),
    ("AND", "MISSING", "DOWNTIME", "DOWNTIME"),
    ("AND", "CRITICAL", "DOWNTIME", "CRITICAL"),
    ("AND", "WARNING", "UNKNOWN", "UNKNOWN"),
    ("OR", "OK", "CRITICAL", "OK"),
    ("OR", "WARNING", "CRITICAL", "WARNING"),
    ("OR", "UNKNOWN", "CRITICAL", "CRITICAL"),
    ("OR", "UNKNOWN", "MISSING", "UNKNOWN"),
    ("OR", "DOWNTIME", "MISSING", "DOWNTIME"),
    ("OR", "UNKNOWN", "DOWNTIME", "UNKNOWN"),
    ("OR", "CRITICAL", "DOWNTIME", "CRITICAL"),
]


@pytest.mark.parametrize(("operation", "a", "b", "makes"), ROWS)
def test_two_statuses_make_one(operation, a, b, makes):
    assert EGI.fold(operation, [a, b]) == EGI.fold(operation, [b, a]) == makes


@pytest.mark.parametrize(("operation", "order"), [("AND", WORST[::-1]), ("OR", BEST)])
def test_all_pairs_follow_the_order(operation, order):
    for a, b in product(order, order):
        assert EGI.fold(operation, [a, b]) == min(a, b, key=order.index)


@pytest.mark.parametrize("operation", ["AND", "OR"])
def test_excluded_is_neutral(operation):
    assert EGI.fold(operation, ["CRITICAL", EXCLUDED]) == "CRITICAL"
    assert EGI.fold(operation, [EXCLUDED, "OK"]) == "OK"
    assert EGI.fold(operation, [EXCLUDED, EXCLUDED]) == EXCLUDED


@given(st.sampled_from(["AND", "OR"]), st.lists(st.sampled_from([*WORST, EXCLUDED]), min_size=1))
def test_neither_order_nor_number_matters_in_egis_tables(operation, states):
    assert EGI.is_plain(operation)
    assert (
        EGI.fold(operation, states) == EGI.fold(operation, states[::-1]) == EGI.fold_some(operation, frozenset(states))
    )


def test_tables_go_to_argos_json_and_back():
    made = EGI.to_json()
    assert [len(one["truth_table"]) for one in made["operations"]] == [21, 21]
    assert Operations.from_json(made).tables == EGI.tables


def test_other_tables_may_have_other_words():
    traffic = Operations.of_rows(
        "traffic",
        ["UP", "DOWN"],
        {"XOR": [("UP", "UP", "DOWN"), ("UP", "DOWN", "UP"), ("DOWN", "DOWN", "DOWN")]},
        down="DOWN",
        missing="DOWN",
        unknown="DOWN",
    )
    assert not traffic.is_plain("XOR")
    assert traffic.fold("XOR", ["UP", "UP", "UP"]) == "UP"


def test_a_pair_that_no_row_is_about_is_refused():
    with pytest.raises(ValueError, match="no row is about OK and BAD"):
        Operations.of_rows(
            "x",
            ["OK", "BAD"],
            {"AND": [("OK", "OK", "OK"), ("BAD", "BAD", "BAD")]},
            down="BAD",
            missing="BAD",
            unknown="BAD",
        )


def test_a_word_that_is_no_status_is_refused():
    with pytest.raises(ValueError, match="GOOD is not a status"):
        Operations.of_rows("x", ["OK"], {"AND": [("OK", "OK", "GOOD")]})
