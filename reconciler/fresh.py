"""Fresh: what may be done on the strength of a reading, and what must be read again first.

Whatever changes something rests on a reading of its target that was made in this run. What takes away data, or is
precious to its kind, rests on such readings of every target on which anything of its kind stands: another copy that was
there a minute ago is no proof that there is one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from reconciler.kinds import Kind
from reconciler.model import Action, Graph, Inventory, Observed, Plan, Ref, Verb

_TAKING_AWAY = (Verb.DELETE, Verb.REPLACE)


def lacking(
    plan: Plan, graph: Graph, inventory: Inventory, observed: Observed, kinds: Mapping[str, Kind[Any]]
) -> dict[Ref, frozenset[str]]:
    """The actions that must not be done in this run, each with the targets to be read before."""
    if not observed.kept:
        return {}
    found = {}
    for action in plan.actions:
        if action.verb in (Verb.NOOP, Verb.DEFER) or action.blocked is not None:
            continue
        stale = _rests_on(action, graph, inventory, kinds) & observed.kept.keys()
        if stale:
            found[action.ref] = frozenset(stale)
    return found


def said(targets: Collection[str]) -> str:
    """Why such an action waits, in words."""
    return f"{', '.join(sorted(targets))} must be read first: what is known is of an earlier round"


def _rests_on(action: Action, graph: Graph, inventory: Inventory, kinds: Mapping[str, Kind[Any]]) -> set[str]:
    entry = inventory.entry(action.ref, graph.moved)
    targets = {action.target, entry.target if entry else action.target}
    if action.verb in _TAKING_AWAY and _looks_around(kinds[action.ref.kind]):
        targets |= {target for target, kind in inventory.stands if kind == action.ref.kind}
    return targets


def _looks_around(kind: Kind[Any]) -> bool:
    """Whether what else stands decides if something of the kind may go."""
    return any(getattr(type(kind), name) is not getattr(Kind, name) for name in ("precious", "lingers"))
