"""Whom a change concerns: what git changed, what depends on it, and the targets on which all that stands. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from reconciler.model import Graph, Inventory, Ref, Resource


def changed(graph: Graph, before: Mapping[Ref, Resource]) -> set[Ref]:
    """What git, or the end of a lifetime, has brought, changed or taken away."""
    now = graph.resources
    found = {ref for ref, one in now.items() if (then := before.get(ref)) is not one and _differ(then, one)}
    return found | (before.keys() - now.keys())


def dependants(refs: Collection[Ref], graph: Graph) -> set[Ref]:
    """These, and everything declared that depends on any of them, directly or not."""
    if not refs:
        return set()
    needing: dict[Ref, list[Ref]] = defaultdict(list)
    for ref, resource in graph.resources.items():
        for edge in resource.edges:
            needing[edge.ref].append(ref)
    found, fresh = set(refs), list(refs)
    while fresh:
        fresh = [ref for one in fresh for ref in needing.get(one, ()) if ref not in found]
        found.update(fresh)
    return found


def targets_of(refs: Iterable[Ref], graph: Graph, inventory: Inventory) -> set[str]:
    """Where these stand and where they are wanted, and where what they need stands."""
    found: set[str] = set()
    for ref in refs:
        found |= _places(ref, graph, inventory)
        resource = graph.resources.get(ref)
        for edge in resource.edges if resource else ():
            found |= _places(edge.ref, graph, inventory)
    return found - {""}


def takers(targets: Collection[str], graph: Graph, inventory: Inventory) -> set[str]:
    """Where that stands which takes values from what stands on these targets: it may be another value by now."""
    found: set[str] = set()
    for ref in graph.taking:
        givers = (edge.ref for edge in graph.resources[ref].edges if edge.output)
        if any(not _places(giver, graph, inventory).isdisjoint(targets) for giver in givers):
            found |= _places(ref, graph, inventory)
    return found - {""}


def all_targets(graph: Graph, inventory: Inventory) -> set[str]:
    """Every target that is declared, or on which something is held or was begun."""
    held = {target for target, _ in inventory.stands} | {entry.target for entry in inventory.begun.values()}
    return (graph.targets.keys() | held) - {""}


def _places(ref: Ref, graph: Graph, inventory: Inventory) -> set[str]:
    resource = graph.resources.get(ref)
    entries = (inventory.entry(ref, graph.moved), inventory.begun.get(ref))
    return {entry.target for entry in entries if entry} | ({resource.target} if resource else set())


def _differ(then: Resource | None, now: Resource) -> bool:
    return then is None or (then.source, then.content, then.lifecycle, then.edges, then.target) != (
        now.source,
        now.content,
        now.lifecycle,
        now.edges,
        now.target,
    )
