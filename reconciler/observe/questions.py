"""Which targets are read, what about, and where the cheap question is enough."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds import Kind
from reconciler.model import Details, Entry, Graph, Inventory, Observed, Ref, Spec, Target, Wanted


@dataclass(frozen=True)
class Question:
    """One read of one target for one kind."""

    target: Target
    kind: Kind[Any]
    refs: frozenset[Ref] | None
    """What is asked about; None on a quiet target, where it is looked up only when the world has moved."""
    token: str
    """Token of the last complete read when nothing on the target is in motion; "" asks for a full read."""

    @property
    def key(self) -> tuple[str, str]:
        """What orders questions."""
        return self.target.id, self.kind.name


def questions(
    graph: Graph, inventory: Inventory, kinds: Mapping[str, Kind[Any]], earlier: Observed | None
) -> list[Question]:
    """A question for every target that ``earlier`` does not cover, in the order of their names.

    A target that answered earlier is asked again, in full, when something came to live on it since: what a
    DatasetRule brings along joins the graph after the first read.
    """
    busy = _busy(graph, inventory)
    found = []
    for (target_id, kind), refs in _grouped(graph, inventory, busy).items():
        if earlier is not None and _covered(target_id, refs, earlier):
            continue
        target = graph.targets.get(target_id) or _remembered(target_id, refs, inventory)
        found.append(Question(target, kinds[kind], frozenset(refs), ""))
    for target_id, kind in inventory.stands:
        if target_id not in busy and (earlier is None or target_id not in earlier.targets):
            target = graph.targets.get(target_id) or _remembered(target_id, _standing(inventory, target_id), inventory)
            found.append(Question(target, kinds[kind], None, inventory.tokens[target_id][0]))
    return sorted(found, key=lambda question: question.key)


def wanted(question: Question, graph: Graph, inventory: Inventory) -> tuple[list[Wanted], Mapping[Ref, Details]]:
    """What to ask about each resource, and the inventory's details of them."""
    refs = standing(question, graph, inventory)
    entries = {ref: entry for ref in refs if (entry := inventory.entry(ref, graph.moved))}
    details = inventory.details([entry.ref for entry in entries.values()])
    decode = question.kind.Spec.model_validate_json
    found = []
    for ref in sorted(refs):
        held = details.get(entries[ref].ref) if ref in entries else None
        resource = graph.resources.get(ref)
        spec = resource.spec if resource else None
        same = resource is not None and held is not None and held.content == resource.content
        applied: Spec | None = spec if same else decode(held.content) if held else None
        spec = spec or applied
        if spec is not None:
            found.append(Wanted(ref, inventory.uid(ref, graph.moved), spec, applied))
    return found, details


def _busy(graph: Graph, inventory: Inventory) -> set[str]:
    """Targets that are read in full: something there is in motion, or there is no token to ask cheaply with."""
    moving = {ref for ref, _ in graph.digests.items() ^ inventory.sources.items()}
    moving |= {ref for ref, _ in inventory.observed.items() ^ inventory.digests.items()}
    moving |= inventory.unsettled
    here = {graph.resources[ref].target for ref in moving if ref in graph.resources}
    there = {inventory.entries[ref].target for ref in moving if ref in inventory.entries}
    untold = {target for target, _ in inventory.stands if target not in inventory.tokens}
    return (here | there | untold) - {""}


def _grouped(graph: Graph, inventory: Inventory, busy: set[str]) -> Mapping[tuple[str, str], list[Ref]]:
    """(target, kind) -> what is declared or held there, for busy targets."""
    found: dict[tuple[str, str], list[Ref]] = defaultdict(list)
    if not busy:
        return found
    renamed = set(graph.moved.values())
    for ref, resource in graph.resources.items():
        if resource.target in busy:
            found[resource.target, ref.kind].append(ref)
    for ref, entry in inventory.entries.items():
        if entry.target in busy and ref not in graph.digests and ref not in renamed:
            found[entry.target, ref.kind].append(ref)
    return found


def standing(question: Question, graph: Graph, inventory: Inventory) -> frozenset[Ref]:
    """The resources that a question is about. A quiet target's are looked up only when it is not quiet after all."""
    if question.refs is not None:
        return question.refs
    held = _standing(inventory, question.target.id)
    return frozenset(ref for ref in held if ref.kind == question.kind.name and ref in graph.digests)


def _standing(inventory: Inventory, target_id: str) -> list[Ref]:
    return [ref for ref, entry in inventory.entries.items() if entry.target == target_id]


def _covered(target_id: str, refs: Iterable[Ref], earlier: Observed) -> bool:
    state = earlier.targets.get(target_id)
    if state is None:
        return False
    return not state.reachable or all(ref in earlier.results or ref in earlier.digests for ref in refs)


def _remembered(target_id: str, refs: Iterable[Ref], inventory: Inventory) -> Target:
    """A back end that no manifest describes any more, as it was when something was last done there."""
    held: Entry = next(inventory.entries[ref] for ref in refs if ref in inventory.entries)
    details = inventory.details([held.ref])[held.ref]
    return Target(target_id, details.driver, details.options)
