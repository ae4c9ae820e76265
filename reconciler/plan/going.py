"""What is to be taken away and stays all the same: for a while, or until an Approval names it. The kinds say which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.kinds import Kind, shed
from reconciler.model import Action, Graph, Inventory, Observed, Policy, Present, Reason, Ref, Spec, Verb, encode

Kinds = Mapping[str, Kind[Any]]


def lingering(
    decided: Sequence[Action], graph: Graph, observed: Observed, inventory: Inventory, policy: Policy, kinds: Kinds
) -> list[Action]:
    """The actions, with a word instead of the delete of what stays for the time being.

    What an Approval names in full goes at once.
    """
    stay: dict[Ref, tuple[Reason, str]] = {}
    for name in _asked(decided, kinds, "lingers", (Verb.DELETE,)):
        named = {ref for one in policy.approvals if one.expires > policy.now for ref in one.scope.get("resources", ())}
        free = [a.ref for a in decided if a.verb is Verb.DELETE and a.ref.kind == name and str(a.ref) not in named]
        there = _there(name, observed, inventory, kinds)
        going = {ref: there.pop(ref) for ref in free if ref in there}
        wanted = {ref: found.spec for ref, found in graph.resources.items() if ref.kind == name} if going else {}
        stay.update(kinds[name].lingers(going, there, wanted) if going else {})
    return [_stays(action, *stay[action.ref]) if action.ref in stay else action for action in decided]


def expired(decided: Sequence[Action], graph: Graph, kinds: Kinds) -> list[Action]:
    """The actions; what goes because the lifetimes of all that wanted it have ended says so."""
    if not graph.expired:
        return list(decided)
    names = _asked(decided, kinds, "holders", (Verb.DELETE,))
    return [_ended(a, graph, kinds[a.ref.kind]) if a.ref.kind in names else a for a in decided]


def _ended(action: Action, graph: Graph, kind: Kind[Any]) -> Action:
    if action.verb is not Verb.DELETE or action.reason is not Reason.REMOVED_FROM_GIT or action.before is None:
        return action
    holders = sorted(kind.holders(kind.Spec.model_validate_json(encode(action.before))))
    if not holders or any(ref not in graph.expired for ref in holders):
        return action
    said = "; ".join(f"{ref}: {graph.expired[ref]}" for ref in holders)
    return replace(action, reason=Reason.EXPIRED, message=said)


def precious(decided: Sequence[Action], observed: Observed, inventory: Inventory, kinds: Kinds) -> dict[Ref, str]:
    """What is to be taken away and may not be without a word for it; an update's actions for what it takes away."""
    found: dict[Ref, str] = {}
    verbs = (Verb.DELETE, Verb.REPLACE)
    parts = {action.ref: part for action in decided if (part := shed(kinds[action.ref.kind], action)) is not None}
    shedding = [action for action in decided if action.verb in verbs or action.ref in parts]
    for name in _asked(shedding, kinds, "precious", (*verbs, Verb.UPDATE)):
        there = _there(name, observed, inventory, kinds)
        taken = sorted(action.ref for action in shedding if action.ref.kind == name and action.ref in there)
        going = {ref: there.pop(ref) for ref in taken}
        found.update(kinds[name].precious({ref: parts.get(ref, spec) for ref, spec in going.items()}, there))
    return found


def _asked(decided: Iterable[Action], kinds: Kinds, method: str, verbs: Sequence[Verb]) -> list[str]:
    """Kinds of which something is to be taken away and that have something to say about it."""
    names = {action.ref.kind for action in decided if action.verb in verbs}
    return sorted(name for name in names if getattr(type(kinds[name]), method) is not getattr(Kind, method))


def _there(name: str, observed: Observed, inventory: Inventory, kinds: Kinds) -> dict[Ref, Spec]:
    """What is there of a kind: as it was read, or as it was applied where nothing has moved since the last read."""
    read = {r: s.spec for r, s in observed.results.items() if r.kind == name and isinstance(s, Present)}
    quiet = [
        ref
        for ref, digest in observed.digests.items()
        if ref.kind == name and ref not in observed.results and _settled(ref, digest, observed, inventory)
    ]
    held = inventory.details(quiet) if quiet else {}
    return read | {ref: kinds[name].Spec.model_validate_json(found.content) for ref, found in held.items()}


def _settled(ref: Ref, digest: str, observed: Observed, inventory: Inventory) -> bool:
    """Whether it was seen as it was applied, and its target was asked in this run whether anything has moved."""
    entry = inventory.entries.get(ref)
    state = observed.targets.get(entry.target) if entry else None
    return entry is not None and state is not None and state.reachable and state.complete and entry.digest == digest


def _stays(action: Action, reason: Reason, why: str) -> Action:
    verb = Verb.NOOP if reason is Reason.RETAINED else Verb.DEFER
    return replace(action, verb=verb, reason=reason, message=why, blocked=None)
