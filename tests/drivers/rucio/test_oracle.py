"""Rucio as an oracle: it and Hanse find the same storages for the same expression, and choose the same where data lies.

Optional: HANSE_RUCIO=1. What differs on purpose is listed, with both answers.
"""

from __future__ import annotations

import random

import pytest

from reconciler.errors import DriverError
from reconciler.kinds.expression import Expression, ExpressionError, Storages
from tests.drivers.rucio.conftest import STORAGES

OURS = Storages.of({name: {**attributes, name: True} for name, attributes in STORAGES.items()})
WORDS = [*STORAGES, "ssd", "nothing-known"]
TEXTS = [
    *(f"country={c}" for c in ("ES", "DE", "CH", "FR")),
    *(f"QOS={q}" for q in ("SAFE", "FAST", "fast")),
    *(f"tier={t}" for t in ("0", "1", "2", "02")),
    *(f"ssd={v}" for v in ("true", "True", "FALSE", "false")),
]
NUMBERS = [
    f"{key}{sign}{value}" for key in ("tier", "freespace") for sign in "<>" for value in ("0", "1", "2", "75", "300")
]


def generated(count: int) -> list[str]:
    """Expressions in Rucio's language, the same ones each time."""
    chance = random.Random(20261121)
    found: dict[str, None] = dict.fromkeys([*WORDS, *TEXTS, *NUMBERS, "*"])
    while len(found) < count:
        found[_expression(chance, 3)] = None
    return list(found)


def _expression(chance: random.Random, depth: int) -> str:
    terms = [_term(chance, depth) for _ in range(chance.randint(1, 4))]
    return terms[0] + "".join(chance.choice("|&\\") + term for term in terms[1:])


def _term(chance: random.Random, depth: int) -> str:
    if depth and chance.random() < 0.3:
        return f"({_expression(chance, depth - 1)})"
    return chance.choice(chance.choice([WORDS, TEXTS, NUMBERS, ["*"]]))


def theirs(federation, expression: str) -> set[str]:
    """What Rucio finds. It calls an empty result an error of the expression."""
    try:
        return set(federation.keeper.places(expression))
    except DriverError as error:
        assert "InvalidRSEExpression" in str(error), str(error)
        assert "empty" in str(error), f"{expression}: {error}"
        return set()


def test_some_hundred_expressions_describe_the_same_storages_at_rucio_and_here(federation):
    wrong, found = {}, []
    for expression in generated(400):
        ours = Expression.parse(expression).matching(OURS)
        found.append(len(ours))
        if theirs(federation, expression) != ours:
            wrong[expression] = (theirs(federation, expression), ours)
    assert wrong == {}
    assert sum(0 < number < len(STORAGES) for number in found) > 150


@pytest.mark.parametrize(
    ("expression", "ours"),
    [
        ("tier<=1", {"PIC-DISK", "KIT-DISK", "KIT_TAPE", "CERN-DISK"}),
        ("country!=ES & ssd", {"DESY-DISK", "ILIFU"}),
        ("freespace>75.4 & tier=3", {"ILIFU"}),
        ("anyStorage \\ country=ES \\ country=DE", {"CERN-DISK", "ULAKBIM", "ILIFU", "BARE"}),
    ],
)
def test_what_rucio_cannot_say_is_malformed_there(federation, expression, ours):
    assert Expression.parse(expression).matching(OURS) == ours
    with pytest.raises(DriverError, match="InvalidRSEExpression"):
        federation.keeper.places(expression)


@pytest.mark.parametrize("expression", ["country=", "(tier=1", "tier=1)", "&tier=1", "tier=1|", ""])
def test_what_is_malformed_there_is_malformed_here(federation, expression):
    with pytest.raises(ExpressionError):
        Expression.parse(expression)
    if expression:
        with pytest.raises(DriverError, match="InvalidRSEExpression"):
            federation.keeper.places(expression)


def test_a_column_of_rucios_table_is_an_attribute_there_and_none_here(federation):
    assert federation.keeper.places("rse_type=TAPE") == {"CESGA_TAPE", "KIT_TAPE"}
    assert Expression.parse("rse_type=TAPE").matching(OURS) == set()
