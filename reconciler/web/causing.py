"""What is not as it should be, by cause: pages tell a cause once, however many resources it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconciler.model import Action, Condition, ConditionType, Ref, Verb
from reconciler.model.part import Wanted
from reconciler.plan.render import words
from reconciler.plan.render.causes import ALIKE, Cause, Stuck, causes, of_actions, pattern, said
from reconciler.records import listing
from reconciler.web.seen import Round
from reconciler.web.shapes import ResourceShape
from reconciler.web.sight import Sight

One = TypeVar("One")
_STANDING = {ConditionType.STALLED: "stalled", ConditionType.HEALTHY: "not healthy"}
_SPARE = (Verb.CREATE, Verb.ADOPT, Verb.NOOP, Verb.MOVE)
"""Verbs that take nothing away and change nothing that is there."""


def of_troubles(sight: Sight, known: Round | None) -> list[Cause]:
    """Why resources are not ready, stalled or not healthy; by the references of the last round."""
    found = listing.troubles(sight.store.database)
    return causes((_stuck(ref, one, known) for ref, one in found.items()), lambda ref: _needs(ref, known))


def _stuck(ref: Ref, one: Condition, known: Round | None) -> Stuck:
    declared = known.planned.graph.resources.get(ref) if known else None
    standing = _STANDING.get(one.type, one.status)
    return Stuck(ref, standing, one.reason, one.message, declared.target if declared else "", one.since)


def _needs(ref: Ref, known: Round | None) -> Iterable[Ref]:
    if known is None:
        return
    declared, action = known.planned.graph.resources.get(ref), known.actions.get(ref)
    yield from (edge.ref for edge in declared.edges) if declared else ()
    yield from action.waits_for if action else ()


def of_blocked(known: Round) -> list[Cause]:
    """What waits for a person, and what waits for that in turn."""
    left = known.rest
    waiting = words.parts(left.actions).waiting
    return [cause for cause in of_actions([*left.blocked, *waiting]) if cause.those[0].standing != Verb.DEFER]


def together(those: Iterable[One], key: Callable[[One], object]) -> list[list[One]]:
    """Those with the same key, in the order of the first of them."""
    found: dict[object, list[One]] = {}
    for one in those:
        found.setdefault(key(one), []).append(one)
    return list(found.values())


def many_together(those: Iterable[One], key: Callable[[One], object]) -> list[list[One]]:
    """The same where they are many; a few are told one by one."""
    return [
        some for found in together(those, key) for some in ([found] if len(found) > ALIKE else [[one] for one in found])
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """Actions of a plan of which the same is to be said."""

    actions: Sequence[Action]
    outcome: str
    message: str
    waiting: Sequence[Stuck] = ()
    """What is deferred because of them."""
    named: Sequence[Ref] = ()
    """Whom the message would name, one for each of them."""

    @property
    def told(self) -> set[Ref]:
        """Whom it tells of; those that wait too, where they are deferred like these."""
        waiting = self.waiting if self.actions[0].verb is Verb.DEFER else ()
        return {*(one.ref for one in self.actions), *(one.ref for one in waiting)}

    @property
    def kinds(self) -> Sequence[tuple[str, int]]:
        """(kind, how many of it), most first."""
        return Counter(one.ref.kind for one in self.actions).most_common()

    @property
    def after(self) -> Sequence[Ref]:
        """What all of them wait for."""
        return [ref for ref in self.actions[0].waits_for if all(ref in one.waits_for for one in self.actions)]


def stopped(actions: Sequence[Action], others: Sequence[Action], outcomes: Mapping[Ref, str]) -> list[Row]:
    """Rows of what is not done now, root causes and what holds most first; ``others`` may wait for them."""
    by_ref = {one.ref: one for one in actions}
    rows: list[Row] = []
    for cause in of_actions([*others, *actions]):
        those = [by_ref[one.ref] for one in cause.those if one.ref in by_ref]
        for n, (_, some) in enumerate(_alike(those, outcomes)):
            waiting = () if n else cause.waiting
            rows.append(Row(some, outcomes.get(some[0].ref, ""), cause.message, waiting, cause.named))
    return rows


def planned(actions: Sequence[Action], outcomes: Mapping[Ref, str]) -> list[Row]:
    """Rows of what is done: what only comes is told together where many are alike, everything else by itself."""
    rows: list[Row] = []
    for message, those in ((text, those) for (text, *_), those in _alike(actions, outcomes, by=_said)):
        if those[0].verb in _SPARE and len(those) > ALIKE:
            rows.append(Row(those, outcomes.get(those[0].ref, ""), str(message)))
        else:
            rows += [Row([one], outcomes.get(one.ref, ""), one.message) for one in those]
    place = {one.ref: n for n, one in enumerate(actions)}
    return sorted(rows, key=lambda row: place[row.actions[0].ref])


def _said(action: Action) -> str:
    return said(action.ref, action.message)


def _alike(
    actions: Sequence[Action], outcomes: Mapping[Ref, str], by: Callable[[Action], str] = lambda _: ""
) -> list[tuple[tuple[object, ...], list[Action]]]:
    """Actions that are alike ``by`` something, and in what they do, why, and what came of it."""
    found: dict[tuple[object, ...], list[Action]] = {}
    for one in actions:
        key = (by(one), one.verb, one.reason, one.blocked, _changes(one), outcomes.get(one.ref, ""))
        found.setdefault(key, []).append(one)
    return list(found.items())


def _changes(action: Action) -> tuple[tuple[str, ...], ...]:
    """What changes, to the last letter: what is shown may be cut."""
    return tuple((one.path, repr(one.before), repr(one.after), one.origin, repr(one.known)) for one in action.changes)


def asked(wanted: Sequence[Wanted], actions: Mapping[Ref, Action]) -> list[list[Wanted]]:
    """Changes for which a word is asked; many of which all is alike but the name stand together."""

    def key(one: Wanted) -> object:
        action = actions.get(one.ref)
        what = (action.verb, _changes(action)) if action else one.what
        return what, one.why, one.by, one.given

    return many_together(wanted, key)


def listed(items: Sequence[ResourceShape]) -> list[tuple[list[ResourceShape], str]]:
    """A portion of a list, and what is said of each: many that say the same stand together, where the first stands."""
    place = {one.ref: n for n, one in enumerate(items)}
    found: list[tuple[list[ResourceShape], str]] = []
    for those in together(items, _stands):
        message = _stands(those[0])[2]
        if len(those) > ALIKE and message:
            found.append((those, message))
        else:
            found += [([one], _ready(one)[2]) for one in those]
    return sorted(found, key=lambda row: place[row[0][0].ref])


def _stands(one: ResourceShape) -> tuple[str, str, str]:
    status, reason, message = _ready(one)
    return status, reason, pattern(said(Ref(one.ref), message))


def _ready(one: ResourceShape) -> tuple[str, str, str]:
    found = next((c for c in one.conditions if c.type == ConditionType.READY), None)
    return (found.status, found.reason, found.message) if found else ("Unknown", "", "")
