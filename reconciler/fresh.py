"""Fresh: what may be done on the strength of a reading, and what must be read again first.

Whatever changes something rests on a reading of its target that was made in this run, and of where that stands whose
values it takes or which must be well. What takes away data, or is precious to its kind, rests on such readings of every
target on which anything of its kind stands: another copy that was there a minute ago is no proof that there is one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from reconciler.kinds import Kind, shed
from reconciler.model import Action, Edge, Graph, Inventory, Observed, Plan, Ref, Verb

_TAKING_AWAY = (Verb.DELETE, Verb.REPLACE)
_AWAY = (Verb.DELETE, Verb.FORGET)


def lacking(
    plan: Plan, graph: Graph, inventory: Inventory, observed: Observed, kinds: Mapping[str, Kind[Any]]
) -> dict[Ref, frozenset[str]]:
    """The actions that must not be done in this run, each with the targets to be read together in one.

    Nothing rests on a target that did not answer: from it nothing is concluded, whenever it was asked.
    """
    if not observed.kept:
        return {}
    silent = {target for target, state in observed.targets.items() if not state.reachable}
    found = {}
    for action in plan.actions:
        if action.verb in (Verb.NOOP, Verb.DEFER) or action.blocked is not None:
            continue
        needed = _rests_on(action, graph, inventory, kinds) - silent
        if needed & observed.kept.keys():
            found[action.ref] = frozenset(needed)
    return found


def said(targets: Collection[str]) -> str:
    """Why such an action waits, in words."""
    return f"{', '.join(sorted(targets))} must be read in one round first: what is known is of an earlier one"


def _rests_on(action: Action, graph: Graph, inventory: Inventory, kinds: Mapping[str, Kind[Any]]) -> set[str]:
    entry = inventory.entry(action.ref, graph.moved)
    targets = {action.target, entry.target if entry else action.target}
    if action.verb not in _AWAY:
        targets |= {where for edge in action.edges if _matters(edge) for where in _places(edge.ref, graph, inventory)}
    kind = kinds[action.ref.kind]
    if (action.verb in _TAKING_AWAY and _looks_around(kind)) or shed(kind, action) is not None:
        targets |= {target for target, kind in inventory.stands if kind == action.ref.kind}
    return targets - {""}


def _matters(edge: Edge) -> bool:
    """Whether it is more than that the other one exists: a value of it, or how it is."""
    return bool(edge.output) or edge.gate == "ready"


def _places(ref: Ref, graph: Graph, inventory: Inventory) -> set[str]:
    entry, resource = inventory.entry(ref, graph.moved), graph.resources.get(ref)
    return ({entry.target} if entry else set()) | ({resource.target} if resource else set())


def _looks_around(kind: Kind[Any]) -> bool:
    """Whether what else stands decides if something of the kind may go."""
    return any(getattr(type(kind), name) is not getattr(Kind, name) for name in ("precious", "lingers"))
