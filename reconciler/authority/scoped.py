"""What gives or takes leave for other things: an Approval lifts limits, a Window says when something may be done.

Either names things by patterns. It needs the word of each Tenancy that speaks of anything that these may mean; where
that cannot be told, it counts as meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import orjson

from reconciler.authority.changes import Change
from reconciler.kinds import registry
from reconciler.model import Resource
from reconciler.tenancy import Charter, Need, Rules, Scope, Subject, holder

DEEDS = {"Approval": "approve", "Window": "pause"}
"""Kind -> what somebody must be allowed to do to all that one of it is about."""
_PARTS = 3
_WILD = frozenset("*?[")
_LISTS = ("kinds", "namespaces", "targets", "resources")


@cache
def _without_namespace() -> frozenset[str]:
    """Kinds of which names are unique in the whole federation."""
    return frozenset(name for name, kind in registry().items() if kind.federation_wide)


def permitting(change: Change, rules: Rules) -> Iterator[Need]:
    """The words that an Approval or a Window needs, as it was and as it will be."""
    deed = DEEDS.get(change.ref.kind)
    if deed is None or not rules.charters:
        return
    seen = set[tuple[str, str]]()
    for state in (one for one in (change.old, change.new) if one):
        meant = _meant(orjson.loads(state.content).get("scope") or {})
        for charter in _concerned(meant, rules.charters):
            need = _need(charter, deed, meant, rules)
            if (key := (need.part, str(charter.name))) not in seen or not need.makers:
                seen.add(key)
                yield need
    if change.new is not None and deed == "approve":
        yield from _by(change.new, seen)


def _by(state: Resource, governed: set[tuple[str, str]]) -> Iterator[Need]:
    """An Approval says who takes responsibility: he must be the one who made it, or must have agreed."""
    if governed:
        named = str(orjson.loads(state.content).get("by", ""))
        those = frozenset({holder(named), Subject("user", f"@{named.removeprefix('@')}")})
        part = next(iter(sorted(governed)))[0]
        yield Need(part, "the word of whom it names in by", those, those, "word")


def _need(charter: Charter, deed: str, meant: Mapping[str, Sequence[str]], rules: Rules) -> Need:
    those = frozenset(
        subject
        for rule in charter.rules
        if deed in rule.deeds and not rule.fields and _holds(rule.scope, meant)
        for subject in rule.who
        if subject.sort != "role" or subject.over
    )
    found = frozenset(
        one
        for subject in those
        for one in (rules.book.of(subject, subject.level, subject.over) if subject.sort == "role" else (subject,))
    )
    return Need(charter.part, deed, found, found, charter=charter.name)


def _meant(scope: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The patterns of kinds, namespaces and targets; ``*`` where it gives none."""
    found = {name: tuple(scope.get(name) or ()) for name in _LISTS}
    named = [_parted(one) for one in scope.get("resources") or ()]
    if named:
        found["kinds"] = found["kinds"] or tuple(kind for kind, _ in named)
        found["namespaces"] = found["namespaces"] or tuple(namespace for _, namespace in named)
    return {name: patterns or ("*",) for name, patterns in found.items()}


def _parted(pattern: str) -> tuple[str, str]:
    """(kind, namespace) of a pattern for references, as far as no joker before them could mean more."""
    kind, *rest = pattern.split("/")
    if _WILD & set(kind):
        return "*", "*"
    namespace = rest[0] if len(rest) == _PARTS - 1 else "" if len(rest) == 1 and not _WILD & set(rest[0]) else "*"
    return kind, "*" if _WILD & set(namespace) else namespace


def _concerned(meant: Mapping[str, Sequence[str]], charters: Sequence[Charter]) -> list[Charter]:
    """The Tenancies that speak of anything that is meant; of the rest of the world where none holds all of it."""
    plain = [one for one in charters if not one.rest and _overlaps(one.scope, meant)]
    if any(_holds(one.scope, meant) for one in plain):
        return plain
    return plain + [one for one in charters if one.rest and _overlaps(one.scope, meant)]


def _lists(scope: Scope) -> Iterator[tuple[str, Sequence[str]]]:
    yield from zip(_LISTS, (scope.kinds, scope.namespaces, scope.targets, scope.resources), strict=True)


def _overlaps(scope: Scope, meant: Mapping[str, Sequence[str]]) -> bool:
    of_all = scope.kinds and all(kind in _without_namespace() for kind in scope.kinds)
    if of_all and not any(fnmatchcase("", one) for one in meant["namespaces"]):
        return False
    return all(
        not patterns or any(_meet(one, other) for one in patterns for other in meant[name])
        for name, patterns in _lists(scope)
    )


def _holds(scope: Scope, meant: Mapping[str, Sequence[str]]) -> bool:
    """Whether all that is meant lies within a scope; of files an Approval says nothing."""
    return not scope.paths and all(
        not patterns or all(any(fnmatchcase(one, pattern) for pattern in patterns) for one in meant[name])
        for name, patterns in _lists(scope)
    )


def _meet(one: str, other: str) -> bool:
    """Whether some name could fit both patterns; two with jokers are taken to."""
    both = bool(_WILD & set(one)) and bool(_WILD & set(other))
    return both or fnmatchcase(one, other) or fnmatchcase(other, one)
