"""Location expressions: upstream's cases, every fault with its column, and a second evaluator that knows no sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.kinds.expression import LONGEST, Expression, ExpressionError, Storages

ATTRIBUTES = {
    "CESGA": {"CESGA": True, "country": "ES", "tier": 1, "freespace": 100.5, "type": "disk", "fast": True},
    "IFCA": {"IFCA": True, "country": "ES", "tier": "02", "freespace": "1e3", "type": "tape"},
    "DESY": {"DESY": True, "country": "DE", "tier": 2, "freespace": 150, "type": "disk", "fast": "TRUE"},
    "KIT": {"KIT": True, "country": "DE", "tier": 1, "type": "disk", "fast": False, "note": "soon"},
    "CERN-PROD_1": {"CERN-PROD_1": True, "tier": 0, "freespace": "inf", "type": "tape"},
    "a/b.c": {"a/b.c": True, "version": "1.5"},
}
STORAGES = Storages.of(ATTRIBUTES)


def of(text):
    return set(Expression.parse(text).evaluate(STORAGES))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("*", set(ATTRIBUTES)),
        ("anyStorage", set(ATTRIBUTES)),
        ("CESGA", {"CESGA"}),
        ("CERN-PROD_1", {"CERN-PROD_1"}),
        ("a/b.c", {"a/b.c"}),
        ("nowhere", set()),
        ("cesga", set()),
        ("fast", {"CESGA", "DESY"}),
        ("fast=true", {"CESGA", "DESY"}),
        ("fast=True", {"CESGA", "DESY"}),
        ("fast=FALSE", {"KIT"}),
        ("tier=2", {"DESY"}),
        ("tier=02", {"IFCA"}),
        ("country=ES", {"CESGA", "IFCA"}),
        ("country!=ES", {"DESY", "KIT"}),
        ("*\\country=ES", {"DESY", "KIT", "CERN-PROD_1", "a/b.c"}),
        ("freespace>150", {"IFCA", "CERN-PROD_1"}),
        ("freespace>=150", {"IFCA", "CERN-PROD_1", "DESY"}),
        ("freespace<150", {"CESGA"}),
        ("freespace<=100.5", {"CESGA"}),
        ("freespace<1e3", {"CESGA", "DESY"}),
        ("freespace<1_000", {"CESGA", "DESY"}),
        ("freespace<inf", {"CESGA", "DESY", "IFCA"}),
        ("freespace<lots", set()),
        ("note<5", set()),
        ("tier<=2", {"CESGA", "IFCA", "DESY", "KIT", "CERN-PROD_1"}),
        ("fast>0", {"CESGA", "DESY"}),
        ("version=1.5", {"a/b.c"}),
        ("version>1.4", {"a/b.c"}),
        ("version>-1", {"a/b.c"}),
        ("tier=1\\country=DE", {"CESGA"}),
        ("country=DE|country=ES", {"CESGA", "IFCA", "DESY", "KIT"}),
        ("(CESGA|KIT)&country=DE", {"KIT"}),
        ("CESGA|KIT&country=DE", {"KIT"}),
        ("CESGA|(KIT&country=ES)", {"CESGA"}),
        ("country=DE|country=ES\\type=tape", {"CESGA", "DESY", "KIT"}),
        ("*\\(type=tape|country=DE)", {"CESGA", "a/b.c"}),
        (" country = ES \t& ( tier <= 1 )\n", {"CESGA"}),
        ("((((CESGA))))", {"CESGA"}),
        ("type=disk & fast \\ CESGA | a/b.c", {"DESY", "a/b.c"}),
    ],
)
def test_an_expression_describes_these_storages(text, names):
    assert of(text) == names


def test_results_come_in_order():
    assert Expression.parse("country=ES|country=DE").evaluate(STORAGES) == ("CESGA", "DESY", "IFCA", "KIT")


@pytest.mark.parametrize(
    ("text", "column", "wrong"),
    [
        ("", 1, "a condition is missing"),
        ("   ", 1, "a condition is missing"),
        ("tier=", 6, "a value is missing after ="),
        ("tier=&x", 6, "a value is missing after ="),
        ("tier<<2", 6, "a value is missing after <"),
        ("a&", 3, "a condition is missing"),
        ("a&|b", 3, "a condition is missing before |"),
        ("&a", 1, "a condition is missing before &"),
        ("\\a", 1, "a condition is missing before \\"),
        ("a b", 3, "an operator is missing before b"),
        ("a (b)", 3, "an operator is missing before ("),
        ("(a)(b)", 4, "an operator is missing before ("),
        ("(a)=b", 4, "an operator is missing before ="),
        ("*=b", 2, "an operator is missing before ="),
        ("(a&b", 1, "this bracket is never closed"),
        ("x|((a&b)", 3, "this bracket is never closed"),
        ("a)", 2, "a bracket is closed that was never opened"),
        ("()", 2, "a condition is missing before )"),
        ("a & %b", 5, "'%' cannot stand here"),
        ("a=b!c", 4, "'!' cannot stand here"),
        ("a == b", 4, "a value is missing after ="),
        ("país=ES", 3, "'í' cannot stand here"),
        ('a="b"', 3, "'\"' cannot stand here"),
    ],
)
def test_a_fault_is_named_with_its_column_and_a_cure(text, column, wrong):
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(text)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"column {column}: {wrong}")
    assert "; " in str(caught.value)
    assert caught.value.drawn.split("\n")[-1] == " " * (column - 1) + "^"


def test_what_is_longer_than_rucio_stores_is_refused():
    Expression.parse("a" * LONGEST)
    with pytest.raises(ExpressionError, match="longer than 3000"):
        Expression.parse("a" * (LONGEST + 1))


def test_no_nesting_is_too_deep():
    assert of("(" * 1400 + "CESGA" + ")" * 1400) == {"CESGA"}


def test_a_storage_is_told_why_it_is_left_out():
    expression = Expression.parse("tier=1 & country=ES | fast \\ nothing=1")
    assert expression.explainer(STORAGES)("DESY") == (
        "tier=1 no (it is 2), country=ES no (it is DE), fast yes, nothing=1 no (not stated)"
    )


# -- against a second evaluator ----------------------------------------------------------------------------------------

KEYS = ("tier", "country", "freespace", "fast", "note", "CESGA", "nothing")
VALUES = ("1", "2", "02", "ES", "true", "False", "1.5", "1e2", "x")


def leaves():
    compared = st.tuples(
        st.sampled_from(KEYS), st.sampled_from(("=", "!=", "<", "<=", ">", ">=")), st.sampled_from(VALUES)
    )
    return compared | st.sampled_from(KEYS).map(lambda k: (k, "", "")) | st.just(("*", "", ""))


def chains(inner):
    return st.tuples(inner, st.lists(st.tuples(st.sampled_from("|&\\"), inner), min_size=0, max_size=4))


EXPRESSIONS = chains(st.recursive(leaves(), chains, max_leaves=12))


def written(node, space):
    if isinstance(node[1], list):
        first, rest = node
        inner = written(first, space) + "".join(f"{space}{op}{space}{written(right, space)}" for op, right in rest)
        return f"({space}{inner}{space})"
    return space.join(part for part in node if part)


def holds(node, own):
    """Whether one storage is in: a fold over booleans, element by element."""
    if isinstance(node[1], list):
        answer = holds(node[0], own)
        for op, right in node[1]:
            other = holds(right, own)
            answer = {"|": answer or other, "&": answer and other, "\\": answer and not other}[op]
        return answer
    key, comparison, value = node
    return key == "*" or (key in own and holds_alone(str(own[key]), comparison, value))


def holds_alone(have, comparison, value):
    plain, wanted = (x.lower() if x.lower() in ("true", "false") else x for x in (have, value))
    if comparison in ("", "=", "!="):
        return (plain == (wanted or "true")) == (comparison != "!=")
    try:
        a, b = (float({"true": "1", "false": "0"}.get(x, x)) for x in (plain, wanted))
    except ValueError:
        return False
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[comparison]


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.sampled_from(["", " ", "\t "]))
def test_both_evaluators_agree(node, space):
    assert of(written(node, space)) == {name for name, own in ATTRIBUTES.items() if holds(node, own)}


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab1.=!<>|&\\()* -_+/\té", max_size=20))
def test_any_text_is_parsed_or_refused_with_a_column_inside_it(text):
    try:
        Expression.parse(text).evaluate(STORAGES)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_white_space_and_outer_brackets_mean_nothing(node):
    assert of(written(node, "")) == of(f"( {written(node, '  ')} )")
