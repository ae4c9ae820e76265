"""What two commits declare differently: resource by resource, field by field, without a look at the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reconciler.authority.changes import fields_changed
from reconciler.model import FieldChange, Plan, Ref, Resource, Resources
from reconciler.reconcile import Proposal


@dataclass(frozen=True, slots=True)
class Difference:
    """One resource that was added, removed or changed."""

    ref: Ref
    what: Literal["added", "removed", "changed"]
    file: str
    """Where it stands; where it stood, when it was removed."""
    changes: tuple[FieldChange, ...] = ()


def compare(base: Resources, head: Resources) -> tuple[Difference, ...]:
    """Everything that ``head`` declares differently from ``base``, in the order of references."""
    refs = sorted(base.items.keys() | head.items.keys())
    return tuple(found for ref in refs if (found := _difference(ref, base.items.get(ref), head.items.get(ref))))


def since(base: Resources, proposal: Proposal) -> Plan:
    """The part of a plan that comes from what its commit declares differently from ``base``."""
    graph = proposal.graph
    wanted = {ref: resource for ref, resource in graph.resources.items() if resource.owner is None}
    found = {one.ref for one in compare(base, Resources(graph.commit, wanted))}
    owners = {ref: resource.owner for ref, resource in graph.resources.items() if resource.owner}
    owners |= {ref: held.owner for ref, held in proposal.observed.applied.items() if held.owner}
    found |= {held.ref for held in proposal.policy.held}  # git says so, although it does not count
    actions = [one for one in proposal.plan.actions if one.ref in found or owners.get(one.ref) in found]
    return replace(proposal.plan, actions=tuple(actions))


def _difference(ref: Ref, old: Resource | None, new: Resource | None) -> Difference | None:
    if old is None and new is not None:
        return Difference(ref, "added", new.location.file)
    if new is None and old is not None:
        return Difference(ref, "removed", old.location.file)
    if old is None or new is None:
        return None
    found = fields_changed(old, new)
    return Difference(ref, "changed", new.location.file, found) if found else None
