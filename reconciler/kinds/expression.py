r"""Location expressions: which storages some data may lie on. Takes all that Rucio's and Onedata's expressions say.

::

    expression = term { ("|" | "&" | "\") term }         union, intersection, difference: left to right, no precedence
    term       = "(" expression ")" | "*" | "anyStorage" | word [ comparison ]
    comparison = ("=" | "!=" | "<" | "<=" | ">" | ">=") word

A word alone is an attribute that is true; each storage has its own name, its site's and ``site/storage`` for such
attributes. ``=`` compares as text (``tier=02`` is not ``tier=2``; true and false in any case), the others as numbers.
A storage without the attribute matches no comparison, not even ``!=``: where nothing is known, nothing is placed.
White space may stand anywhere between the parts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Operator = Literal["|", "&", "\\"]
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]
Value = bool | int | float | str

LONGEST = 3000
"""Characters; Rucio stores no more either."""
_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9._/+-]+)|(?P<sign><=|>=|!=|[*|&\\()=<>])|(?P<other>\S))")
_ORDER = frozenset({"<", "<=", ">", ">="})
_COMPARISONS: Mapping[str, Comparison] = {"=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERATORS: Mapping[str, Operator] = {"|": "|", "&": "&", "\\": "\\"}


class ExpressionError(ValueError):
    """The expression is none; ``column`` counts from 1."""

    def __init__(self, text: str, column: int, wrong: str, cure: str) -> None:
        super().__init__(f"column {column}: {wrong}; {cure}")
        self.text, self.column = text, column

    @property
    def drawn(self) -> str:
        """The expression with a caret under the place."""
        return f"{self.text}\n{' ' * (self.column - 1)}^"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. ``comparison`` is "" for a word alone, and ``key`` is "*" for every storage."""

    key: str
    comparison: Comparison | Literal[""] = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.key}{self.comparison}{self.value}"


@dataclass(frozen=True, slots=True)
class Storages:
    """Storages by name with their attributes, indexed for expressions."""

    attributes: Mapping[str, Mapping[str, Value]]
    everything: frozenset[str]
    texts: Mapping[str, Mapping[str, frozenset[str]]]
    """Attribute -> text -> names."""
    numbers: Mapping[str, tuple[tuple[float, ...], tuple[str, ...]]]
    """Attribute -> values in order, and the name for each."""

    @classmethod
    def of(cls, attributes: Mapping[str, Mapping[str, Value]]) -> Storages:
        """Index the attributes of each storage."""
        texts: dict[str, dict[str, set[str]]] = {}
        numbers: dict[str, list[tuple[float, str]]] = {}
        for name, own in attributes.items():
            for key, value in own.items():
                texts.setdefault(key, {}).setdefault(_text(value), set()).add(name)
                number = _number(value)
                if number is not None:
                    numbers.setdefault(key, []).append((number, name))
        frozen = {key: {text: frozenset(names) for text, names in found.items()} for key, found in texts.items()}
        ordered = {key: _columns(sorted(found)) for key, found in numbers.items()}
        return cls(attributes, frozenset(attributes), frozen, ordered)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. ``program`` is in postfix order: terms, and operators on the two before them."""

    text: str
    program: tuple[Term | Operator, ...]

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse; raises ExpressionError."""
        return cls(text, tuple(_Parser(text).expression()))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every condition, in the order written."""
        return tuple(step for step in self.program if isinstance(step, Term))

    def matching(self, storages: Storages) -> frozenset[str]:
        """Names of the storages that it describes."""
        stack: list[frozenset[str]] = []
        for step in self.program:
            if isinstance(step, Term):
                stack.append(_matching(step, storages))
                continue
            right = stack.pop()
            left = stack.pop()
            stack.append(left | right if step == "|" else left & right if step == "&" else left - right)
        return stack[0]

    def evaluate(self, storages: Storages) -> tuple[str, ...]:
        """The same, in order."""
        return tuple(sorted(self.matching(storages)))

    def explainer(self, storages: Storages) -> Callable[[str], str]:
        """Tells how a storage stands to each condition: ``tier=1 no (it is 2), country=ES yes``."""
        terms = [(term, _matching(term, storages)) for term in dict.fromkeys(self.terms) if term.key != "*"]
        return lambda name: ", ".join(_stands(term, name in names, storages.attributes[name]) for term, names in terms)


class _Parser:
    """Reads left to right with a stack of its own, so that no nesting is too deep."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0

    def expression(self) -> Iterator[Term | Operator]:
        """Yield the program."""
        pending: list[tuple[Operator | None, int]] = [(None, 0)]
        """For each level: the operator that waits for its right side, and the column of the bracket."""
        while True:
            word, sign, column = self._take()
            if sign == "(":
                pending.append((None, column))
                continue
            yield self._term(word, sign, column)
            while True:
                waiting, opened = pending[-1]
                if waiting is not None:
                    yield waiting
                    pending[-1] = (None, opened)
                word, sign, column = self._take()
                if sign != ")":
                    break
                if len(pending) == 1:
                    raise self._error(column, "a bracket is closed that was never opened", "remove ) or add (")
                pending.pop()
            if not sign and not word:
                if len(pending) > 1:
                    raise self._error(pending[-1][1], "this bracket is never closed", "add )")
                return
            pending[-1] = (self._operator(word, sign, column), pending[-1][1])

    def _term(self, word: str, sign: str, column: int) -> Term:
        if sign == "*" or word == "anyStorage":
            return Term("*")
        if not word:
            raise self._error(column, f"a condition is missing{f' before {sign}' if sign else ''}", _FORMS)
        comparison = _COMPARISONS.get(self._peek())
        if comparison is None:
            return Term(word)
        self._take()
        value, sign, column = self._take()
        if not value:
            raise self._error(column, f"a value is missing after {comparison}", f"write {word}{comparison}value")
        return Term(word, comparison, value)

    def _operator(self, word: str, sign: str, column: int) -> Operator:
        if sign in _OPERATORS:
            return _OPERATORS[sign]
        cure = "join conditions by & (both), | (either) or \\ (without)"
        raise self._error(column, f"an operator is missing before {word or sign}", cure)

    def _peek(self) -> str:
        return self._tokens[self._next][1]

    def _take(self) -> tuple[str, str, int]:
        """(word, sign, column) of the next token; both are "" at the end."""
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _error(self, column: int, wrong: str, cure: str) -> ExpressionError:
        return ExpressionError(self._text, column, wrong, cure)


_FORMS = "write a name, key=value, key<number, or *"


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    if len(text) > LONGEST:
        raise ExpressionError(text, LONGEST + 1, f"longer than {LONGEST} characters", "give the storages an attribute")
    end = len(text.rstrip())
    at = 0
    while at < end:
        found = _TOKEN.match(text, at)
        assert found is not None  # noqa: S101 (something that is no white space is left)
        column = found.start(found.lastgroup or 0) + 1
        if found["other"]:
            raise ExpressionError(text, column, f"{found['other']!r} cannot stand here", _FORMS)
        yield found["word"] or "", found["sign"] or "", column
        at = found.end()
    yield "", "", end + 1


def _stands(term: Term, holds: bool, own: Mapping[str, Value]) -> str:
    have = own.get(term.key)
    why = "" if holds or not term.comparison else " (not stated)" if have is None else f" (it is {_text(have)})"
    return f"{term} {'yes' if holds else 'no'}{why}"


def _matching(term: Term, storages: Storages) -> frozenset[str]:
    if term.key == "*":
        return storages.everything
    texts = storages.texts.get(term.key, {})
    if term.comparison in _ORDER:
        return _ordered(term, storages)
    named = texts.get(_text(term.value) if term.comparison else "true", frozenset())
    return frozenset().union(*texts.values()) - named if term.comparison == "!=" else named


def _ordered(term: Term, storages: Storages) -> frozenset[str]:
    limit = _number(term.value)
    values, names = storages.numbers.get(term.key, ((), ()))
    if limit is None:
        return frozenset()
    match term.comparison:
        case "<":
            return frozenset(names[: bisect_left(values, limit)])
        case "<=":
            return frozenset(names[: bisect_right(values, limit)])
        case ">":
            return frozenset(names[bisect_right(values, limit) :])
        case _:
            return frozenset(names[bisect_left(values, limit) :])


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text.lower() if text.lower() in ("true", "false") else text


def _number(value: Value) -> float | None:
    """The value as a number (true is 1, false 0); None when it is none."""
    text = _text(value)
    if text in ("true", "false"):
        return float(text == "true")
    try:
        number = float(text)
    except ValueError:
        return None
    return None if number != number else number  # noqa: PLR0124 (nan is in no order)


def _columns(pairs: list[tuple[float, str]]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    return tuple(number for number, _ in pairs), tuple(name for _, name in pairs)


def _expression(value: str) -> str:
    Expression.parse(value)
    return value


Locations = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
"""A location expression: ``country=ES & tier<2 \\ scratch``."""


def is_number(text: str) -> bool:
    """True when ``text`` can be compared by size."""
    return _number(text) is not None
