"""What two commits declare differently: resource by resource, field by field, without a look at the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from reconciler.model import FieldChange, Plan, Ref, Resource, Resources
from reconciler.plan.diff import changes
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
    actions = [one for one in proposal.plan.actions if one.ref in found or owners.get(one.ref) in found]
    return replace(proposal.plan, actions=tuple(actions))


def _difference(ref: Ref, old: Resource | None, new: Resource | None) -> Difference | None:
    if old is None and new is not None:
        return Difference(ref, "added", new.location.file)
    if new is None and old is not None:
        return Difference(ref, "removed", old.location.file)
    if old is None or new is None:
        return None
    found = (*_spec(old, new), *_around(old, new))
    return Difference(ref, "changed", new.location.file, found) if found else None


def _spec(old: Resource, new: Resource) -> tuple[FieldChange, ...]:
    if old.digest == new.digest:
        return ()
    return changes(orjson.loads(new.content), orjson.loads(old.content), None)


def _around(old: Resource, new: Resource) -> Iterator[FieldChange]:
    """Changes outside of the spec: how it is handled, labels, annotations."""
    yield from _flat("lifecycle", old.lifecycle.model_dump(mode="json"), new.lifecycle.model_dump(mode="json"))
    yield from _flat("metadata.labels", old.labels or {}, new.labels or {})
    yield from _flat("metadata.annotations", old.annotations or {}, new.annotations or {})


def _flat(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield FieldChange(f"{path}.{key}", old.get(key), new.get(key))
