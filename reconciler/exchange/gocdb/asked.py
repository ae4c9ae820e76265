"""What a request asks for, read as GOCDB reads it: patterns, dates, scopes, cursors, and the language of extensions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

CURSORS = ("next_cursor", "prev_cursor")
_QUOTES = re.compile("[\"'`]")
_GROUP = re.compile(r"\s*(?:(AND|OR|NOT)\s*)?\(((?:\\.|[^()\\])+)\)\s*", re.DOTALL)
_KEY = re.compile(r"[a-zA-Z0-9\s@_\-\[\]+.]{1,255}")
_LONGEST = 255
Pairs = Collection[tuple[str, str]]


class Refused(Exception):
    """What was asked cannot be answered; the message goes into ``<error>``."""


class Group(NamedTuple):
    """One group of an extension expression; ``value`` is "" where any will do."""

    operator: str
    key: str
    value: str

    def fits(self, pairs: Pairs) -> bool:
        """Whether something with these extensions has it."""
        return any(key == self.key and self.value in ("", value) for key, value in pairs)


def parsed(expression: str) -> list[Group]:
    """The groups of an extension expression. Raises Refused.

    A prefix stays in force for the groups behind it; AND does until there is one.
    """
    groups, at, operator = list[Group](), 0, "AND"
    while at < len(expression):
        found = _GROUP.match(expression, at)
        if found is None:
            break
        operator = found[1] or operator
        groups.append(_group(operator, found[2]))
        at = found.end()
    if not groups or at < len(expression):
        raise Refused("Invalid query expression")
    return groups


def _group(operator: str, text: str) -> Group:
    key, equals, value = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL).partition("=")
    if not equals:
        raise Refused("Invalid key=value pair, missing = char")
    if not _KEY.fullmatch(key):
        raise Refused("Invalid key=value pair, invalid key")
    if len(value) > _LONGEST:
        raise Refused("Invalid key=value pair, invalid value")
    return Group(operator, key, value if value.strip() else "")


def fits(groups: Sequence[Group], pairs: Pairs) -> bool:
    """Whether something with these extensions is meant: group by group, from the left to the right."""
    held = groups[0].operator != "OR"
    for group in groups:
        here = group.fits(pairs)
        held = held or here if group.operator == "OR" else held and here != (group.operator == "NOT")
    return held


class Pattern:
    """Text as SQL's LIKE compares it: ``%`` is anything, ``_`` one letter; case does not matter."""

    def __init__(self, text: str) -> None:
        parts = {"%": ".*", "_": "."}
        self._pattern = re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.IGNORECASE | re.DOTALL)

    def fits(self, value: str | None) -> bool:
        """Whether a value is like it; what is not known is not."""
        return value is not None and self._pattern.fullmatch(value) is not None


@dataclass(frozen=True)
class Scopes:
    """Scopes that are asked for; none of them asks for nothing."""

    names: tuple[str, ...] = ()
    every: bool = True

    def fit(self, held: Iterable[str]) -> bool:
        """Whether something in the scopes ``held`` is meant."""
        if not self.names:
            return True
        here = set(held)
        return here.issuperset(self.names) if self.every else not here.isdisjoint(self.names)


class Asked:
    """The parameters of one request. Raises Refused for those that a method does not know."""

    def __init__(self, parameters: Mapping[str, str], known: Collection[str], scope: str = "") -> None:
        for name in parameters:
            if name not in known:
                raise Refused(f"Unsupported parameter: {name}")
        for value in parameters.values():
            if _QUOTES.search(value):
                raise Refused(f"Unsupported character in value: {value}")
        self._given = parameters
        self._scope = scope

    def get(self, name: str) -> str | None:
        """A parameter; None when it was not given."""
        return self._given.get(name)

    def one_of(self, name: str, allowed: Sequence[str]) -> str | None:
        """A parameter that has few values."""
        value = self.get(name)
        if value is not None and value not in allowed:
            raise Refused(
                f"Invalid {name} value - must be {' or '.join(repr(one) for one in allowed)}".replace("'", "")
            )
        return value

    def like(self, name: str) -> Callable[[str | None], bool]:
        """A check of values against a parameter; one that was not given fits all."""
        value = self.get(name)
        return (lambda _value: True) if value is None else Pattern(value).fits

    def flag(self, name: str) -> Callable[[bool], bool]:
        """A check of Y and N, also written 1 and 0."""
        value = self.get(name)
        if value is None:
            return lambda _value: True
        if value.upper() not in ("Y", "N", "1", "0"):
            raise Refused(f"Invalid {name} value - must be Y or N")
        wanted = value.upper() in ("Y", "1")
        return lambda held: held == wanted

    def among(self, name: str) -> Callable[[str | None], bool]:
        """A check against a list of names."""
        value = self.get(name)
        return (lambda _value: True) if value is None else frozenset(value.split(",")).__contains__

    def day(self, name: str) -> datetime | None:
        """The first moment of a day, UTC."""
        value = self.get(name)
        if value is None:
            return None
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise Refused(f"Invalid {name} value - must be YYYY-MM-DD") from error

    def extensions(self, name: str) -> Callable[[Pairs], bool]:
        """A check of extensions against an expression."""
        value = self.get(name)
        if value is None:
            return lambda _pairs: True
        groups = parsed(value)
        return lambda pairs: fits(groups, pairs)

    @cached_property
    def scopes(self) -> Scopes:
        """The scopes asked for; the configured one where none is named, none at all for ``scope=``."""
        every = self.one_of("scope_match", ("all", "any")) != "any"
        said = self.get("scope")
        names = (self._scope if said is None else said).split(",")
        return Scopes(tuple(name.strip() for name in names if name.strip()), every)

    @cached_property
    def cursor(self) -> tuple[str, int] | None:
        """Which cursor and where, for a page; None for all at once."""
        given = [name for name in CURSORS if self.get(name) is not None]
        if not given:
            return None
        value = self._given[given[0]]
        if len(given) > 1 or not (value.isascii() and value.isdigit()):
            raise Refused(f"Invalid '{given[0]}' parameter - must be a whole number, and one cursor alone")
        return given[0], int(value)
