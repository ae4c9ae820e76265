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
    refs: frozenset[Ref]
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
    places = _places(graph, inventory)
    busy = {places[ref] for ref in _moving(graph, inventory) if ref in places}
    found = []
    for (target_id, kind), refs in _grouped(places).items():
        if earlier is not None and _covered(target_id, refs, earlier):
            continue
        token = "" if target_id in busy else inventory.tokens.get(target_id, ("", ""))[0]
        target = graph.targets.get(target_id) or _remembered(target_id, refs, inventory)
        found.append(Question(target, kinds[kind], frozenset(refs), token))
    return sorted(found, key=lambda question: question.key)


def wanted(question: Question, graph: Graph, inventory: Inventory) -> tuple[list[Wanted], Mapping[Ref, Details]]:
    """What to ask about each resource, and the inventory's details of them."""
    entries = {ref: entry for ref in question.refs if (entry := inventory.entry(ref, graph.moved))}
    details = inventory.details([entry.ref for entry in entries.values()])
    decode = question.kind.Spec.model_validate_json
    found = []
    for ref in sorted(question.refs):
        held = details.get(entries[ref].ref) if ref in entries else None
        applied: Spec | None = decode(held.content) if held else None
        resource = graph.resources.get(ref)
        spec = resource.spec if resource else applied
        if spec is not None:
            found.append(Wanted(ref, inventory.uid(ref, graph.moved), spec, applied))
    return found, details


def _places(graph: Graph, inventory: Inventory) -> dict[Ref, str]:
    """Resource -> target id, for what is held and for what is declared."""
    places = {ref: entry.target for ref, entry in inventory.entries.items()}
    for old in graph.moved.values():
        places.pop(old, None)
    places.update((ref, resource.target) for ref, resource in graph.resources.items() if resource.target)
    return places


def _moving(graph: Graph, inventory: Inventory) -> set[Ref]:
    """Resources that git, the world or an interrupted run has moved: their targets are read in full."""
    intent = {ref for ref, _ in graph.digests.items() ^ inventory.sources.items()}
    drift = {ref for ref, _ in inventory.observed.items() ^ inventory.digests.items()}
    return intent | drift | inventory.unsettled


def _grouped(places: Mapping[Ref, str]) -> Mapping[tuple[str, str], list[Ref]]:
    found: dict[tuple[str, str], list[Ref]] = defaultdict(list)
    for ref, target in places.items():
        found[target, ref.partition("/")[0]].append(ref)
    return found


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
