"""Location expressions in Rucio's language, which has no white space, no ``<=``, ``>=``, ``!=`` and no decimals."""

from __future__ import annotations

import re
from collections.abc import Collection

from reconciler.kinds.expression import Expression, Term

_KEY = re.compile(r"[A-Za-z0-9._-]+")
_VALUE = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")


class Untold(ValueError):
    """Rucio has no words for it."""


def rucio_expression(text: str, sites: Collection[str] = ()) -> str:
    """The same storages in Rucio's language. ``sites`` are names of sites, which Rucio knows as the attribute ``site``.

    Raises Untold where Rucio has no words for it.
    """
    stack: list[str] = []
    for step in Expression.parse(text).program:
        if isinstance(step, Term):
            stack.append(_term(step, sites))
            continue
        right, left = stack.pop(), stack.pop()
        stack.append(f"{left}{step}({right})" if _joined(right) else f"{left}{step}{right}")
    return stack[0]


def _joined(text: str) -> bool:
    """Whether it has an operator that is in no brackets: on the right of another it must be."""
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign in "|&\\" and not depth:
            return True
    return False


def _term(term: Term, sites: Collection[str]) -> str:
    if term.key == "*":
        return "*"
    if not term.comparison:
        return _name(term.key, sites)
    if not _KEY.fullmatch(term.key) or not _VALUE.fullmatch(term.value):
        raise Untold(f"{term}: Rucio's values have letters, digits, - and _ only")
    if term.comparison == "!=":
        raise Untold(f"{term}: Rucio has no !=; write what it may be instead")
    if term.comparison in ("<=", ">="):
        return f"({term.key}{term.comparison[0]}{term.value}|{term.key}={term.value})"
    return f"{term.key}{term.comparison}{term.value}"


def _name(word: str, sites: Collection[str]) -> str:
    """A storage by its name; a site by its attribute."""
    site, _, storage = word.rpartition("/")
    if site:
        word = storage
    elif word in sites:
        return f"site={word}"
    if not _WORD.fullmatch(word):
        raise Untold(f"{word}: not a name that Rucio's expressions can have")
    return word
