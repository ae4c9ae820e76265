"""Many that stand still for few causes: each cause once, with those it holds and those that wait for them. Pure.

One back end that does not answer stops hundreds of resources, and they say so hundreds of times. People want the cause,
how many it holds, and the first names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model import Action, Reason, Ref, Verb

ALIKE = 5
"""More than so many that say the same are told together."""
_WAITS = (Reason.DEPENDENCY_NOT_READY, Reason.DEPENDENCY_FAILED)
_ORDER = {"False": 0, "stalled": 1, "not healthy": 1, "Unknown": 2}
"""What failed stands before what is not known, where both hold as many."""
_TAKES = frozenset(map(str, (Verb.DELETE, Verb.REPLACE)))
"""What would take something away stands before all else, however little it is."""
_WORD = re.compile(r"[A-Z][A-Za-z0-9]*/[^\s,:;()]+")

Needs = Callable[[Ref], Iterable[Ref]]


@dataclass(frozen=True, slots=True)
class Stuck:
    """One resource that does not stand as it should, or an action that is not done."""

    ref: Ref
    standing: str
    """Status of Ready, ``stalled``, ``not healthy``; of an action its verb."""
    reason: str
    message: str = ""
    target: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What holds ``those``, in the words of the first of them, and through them holds ``waiting``."""

    standing: str
    reason: str
    message: str
    those: Sequence[Stuck]
    waiting: Sequence[Stuck] = ()
    named: Sequence[Ref] = ()
    """Whom their messages name, where they differ in nothing else; there the message says ``…``."""

    @property
    def targets(self) -> Sequence[str]:
        """Where it happens."""
        return sorted({one.target for one in self.those if one.target})

    @property
    def kinds(self) -> Sequence[tuple[str, int]]:
        """(kind, how many of it), most first."""
        return Counter(one.ref.kind for one in self.those).most_common()

    @property
    def since(self) -> datetime | None:
        """When the first of them came to stand so; None when it is not known."""
        return min((one.since for one in self.those if one.since), default=None)


def of_actions(actions: Iterable[Action]) -> list[Cause]:
    """The causes for which actions are not done: what is waited for before what waits."""
    by_ref = {action.ref: action for action in actions}
    stuck = [_stuck(action) for action in by_ref.values()]
    needs: Needs = lambda ref: (*by_ref[ref].waits_for, *(edge.ref for edge in by_ref[ref].edges))  # noqa: E731
    return causes(stuck, needs)


def _stuck(action: Action) -> Stuck:
    return Stuck(
        action.ref, str(action.verb), str(action.blocked or action.reason), action.message, target=action.target
    )


def causes(stuck: Iterable[Stuck], needs: Needs = lambda _: ()) -> list[Cause]:
    """Root causes: what would take something away first, then what holds most.

    Who waits for several stands with each of them. Whom somebody waits for is told by the message; where it names
    nobody, by ``needs``.
    """
    by_ref = {one.ref: one for one in stuck}
    ahead = {ref: _ahead(one, by_ref, needs) for ref, one in by_ref.items()}
    behind: dict[Ref, list[Ref]] = defaultdict(list)
    for ref, others in ahead.items():
        for other in others:
            behind[other].append(ref)
    roots = [one for ref, one in by_ref.items() if not ahead[ref]]
    found = [_cause(those, _held(those, behind, by_ref)) for those in alike(roots).values()]
    told = {one.ref for cause in found for one in (*cause.those, *cause.waiting)}
    # Those that wait for one another have no root: they are told as they are.
    found += [_cause(those, ()) for those in alike(one for one in by_ref.values() if one.ref not in told).values()]
    return sorted(_merged(found), key=_rank)


def _merged(found: Sequence[Cause]) -> Iterator[Cause]:
    """Of many causes that differ in nothing but whom they name, one."""
    near: dict[tuple[str, str, str], list[Cause]] = defaultdict(list)
    for cause in found:
        near[cause.standing, cause.reason, pattern(cause.message)].append(cause)
    for (standing, reason, message), some in near.items():
        if len(some) <= ALIKE:
            yield from some
            continue
        those = sorted((one for cause in some for one in cause.those), key=lambda one: one.ref)
        held = {one.ref: one for cause in some for one in cause.waiting}
        named = dict.fromkeys(Ref(word.rstrip(".")) for cause in some for word in _WORD.findall(cause.message))
        yield Cause(standing, reason, message, those, list(held.values()), list(named))


def pattern(message: str) -> str:
    """The message with ``…`` for every reference."""
    return _WORD.sub(lambda word: "…." if word[0].endswith(".") else "…", message)


def alike(stuck: Iterable[Stuck]) -> dict[tuple[str, str, str], list[Stuck]]:
    """Those that say the same, but for their own names."""
    found: dict[tuple[str, str, str], list[Stuck]] = defaultdict(list)
    for one in stuck:
        found[one.standing, one.reason, said(one.ref, one.message)].append(one)
    return found


def said(ref: Ref, message: str) -> str:
    """The message with the reference of whom it is about as ``it``."""
    if ref not in message:
        return message
    return _WORD.sub(lambda word: "it" + word[0][len(ref) :] if _names(word[0], ref) else word[0], message)


def _names(word: str, ref: Ref) -> bool:
    return word.startswith(ref) and not word[len(ref) :].strip(".")


def _ahead(one: Stuck, by_ref: Mapping[Ref, Stuck], needs: Needs) -> list[Ref]:
    """The others that it waits for."""
    if one.reason not in _WAITS:
        return []
    words = {word for found in _WORD.findall(one.message) for word in (found, found.rstrip("."))} - {one.ref}
    others = sorted(map(Ref, words)) or dict.fromkeys(needs(one.ref))
    return [ref for ref in others if ref in by_ref and ref != one.ref]


def _held(those: Sequence[Stuck], behind: Mapping[Ref, Sequence[Ref]], by_ref: Mapping[Ref, Stuck]) -> list[Stuck]:
    """Everything that waits for them, nearest first."""
    seen = dict.fromkeys(one.ref for one in those)
    near: Sequence[Ref] = list(seen)
    while near:
        near = sorted({other for ref in near for other in behind.get(ref, ()) if other not in seen})
        seen |= dict.fromkeys(near)
    return [by_ref[ref] for ref in list(seen)[len(those) :]]


def _cause(those: Sequence[Stuck], waiting: Sequence[Stuck]) -> Cause:
    first = those[0]
    message = first.message if len(those) == 1 else said(first.ref, first.message)
    return Cause(first.standing, first.reason, message, sorted(those, key=lambda one: one.ref), waiting)


def _rank(cause: Cause) -> tuple[bool, int, int, str, str]:
    number = len(cause.those) + len(cause.waiting)
    return cause.standing not in _TAKES, -number, _ORDER.get(cause.standing, 0), cause.reason, cause.those[0].ref
