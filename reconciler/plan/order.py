"""The order of actions: creates forwards along references, deletes backwards, and who must wait for whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from reconciler.model import Action, Details, Edge, Reason, Ref, Verb

_REMOVES = (Verb.DELETE, Verb.FORGET)


def ordered(actions: Sequence[Action], applied: Mapping[Ref, Details], holds: Callable[[Edge], str]) -> list[Action]:
    """The actions in the order in which they can be done, each with what it waits for.

    ``holds`` says "" when a reference to something without an action of its own holds, else why it does not. What
    waits for something that is not going to be done is deferred, with the name of the blocker.
    """
    by_ref = {action.ref: action for action in actions}
    waits = {action.ref: tuple(sorted(_waits(action, by_ref))) for action in actions}
    for ref, users in _users(by_ref, applied).items():
        waits[ref] = tuple(sorted({*waits[ref], *users}))
    settled: dict[Ref, Action] = {}
    for ref in _sorted(waits):
        action = replace(by_ref[ref], waits_for=waits[ref])
        settled[ref] = _deferred(action, settled, holds)
    return list(settled.values())


def _waits(action: Action, by_ref: Mapping[Ref, Action]) -> Iterator[Ref]:
    """What a create or update needs first."""
    if action.verb in _REMOVES:
        return
    for edge in action.edges:
        other = by_ref.get(edge.ref)
        if other is not None and other.verb not in (*_REMOVES, Verb.NOOP):
            yield edge.ref


def _users(by_ref: Mapping[Ref, Action], applied: Mapping[Ref, Details]) -> dict[Ref, set[Ref]]:
    """What must let go of a resource before it is taken away: whatever referred to it when it was applied."""
    found: dict[Ref, set[Ref]] = defaultdict(set)
    for ref in by_ref:
        for edge in applied[ref].edges if ref in applied else ():
            if edge.ref != ref and edge.ref in by_ref and by_ref[edge.ref].verb in _REMOVES:
                found[edge.ref].add(ref)
    return found


def _sorted(waits: Mapping[Ref, Sequence[Ref]]) -> Iterator[Ref]:
    """A topological order that is the same each time: names decide among what is ready."""
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        yield from ready
        sorter.done(*ready)


def _deferred(action: Action, settled: Mapping[Ref, Action], holds: Callable[[Edge], str]) -> Action:
    if action.verb in (Verb.DEFER, Verb.NOOP):
        return action
    for ref in action.waits_for:
        other = settled[ref]
        stuck = other.blocked is not None or other.verb is Verb.DEFER
        if stuck and (action.verb in _REMOVES or _must_be_done(action, ref, holds)):
            return _waiting(action, f"{ref} is not done: {other.blocked or other.reason}")
    if action.verb not in _REMOVES:
        for edge in action.edges:
            why = "" if edge.ref in action.waits_for else holds(edge)
            if why:
                return _waiting(action, f"{edge.ref} {why}")
    return action


def _must_be_done(action: Action, ref: Ref, holds: Callable[[Edge], str]) -> bool:
    """Whether a reference to something blocked does not hold as it is now."""
    return any(holds(edge) for edge in action.edges if edge.ref == ref)


def _waiting(action: Action, said: str) -> Action:
    return replace(
        action,
        verb=Verb.DEFER,
        reason=Reason.DEPENDENCY_NOT_READY,
        message=f"{action.verb} waits: {said}",
        blocked=None,
    )
