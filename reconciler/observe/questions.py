"""Which targets are read, what about, and where the cheap question is enough."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds import Declared, Kind
from reconciler.model import (
    Details,
    Entry,
    Graph,
    Inventory,
    Observed,
    Ref,
    Spec,
    Target,
    Wanted,
    digest_of,
    encode,
)
from reconciler.ports import Drivers


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
    graph: Graph, inventory: Inventory, kinds: Mapping[str, Kind[Any]], drivers: Drivers, earlier: Observed | None
) -> list[Question]:
    """A question for every target that ``earlier`` does not cover, in the order of their names.

    A target that answered earlier is asked again, in full, when something came to live on it since: a cluster whose
    site was open, or what a DatasetRule brings along, joins the graph after the first read.
    """
    moving = _moving(graph, inventory)
    busy = _busy(moving, graph, inventory) | (_come_since(graph, inventory, earlier) if earlier else set())
    declared = Declared(graph.resources)

    def target_of(target_id: str, kind: Kind[Any], refs: Iterable[Ref]) -> Target:
        if target_id in graph.targets:
            return graph.targets[target_id]
        if kind.described(target_id, declared):
            return kind.connect(target_id, declared, drivers)
        return _remembered(target_id, refs, graph, inventory)

    found = []
    for (target_id, kind), refs in _grouped(moving, graph, inventory, busy).items():
        if earlier is not None and _covered(target_id, refs, graph, inventory, earlier):
            continue
        target = target_of(target_id, kinds[kind], refs)
        found.append(Question(target, kinds[kind], frozenset(refs), ""))
    for target_id, kind in inventory.stands:
        if target_id not in busy and (earlier is None or target_id not in earlier.targets):
            target = target_of(target_id, kinds[kind], _standing(inventory, target_id))
            found.append(Question(target, kinds[kind], None, untagged(inventory.tokens[target_id][0])))
    return sorted(found, key=lambda question: question.key)


def wanted(question: Question, graph: Graph, inventory: Inventory) -> tuple[list[Wanted], Mapping[Ref, Details]]:
    """What to ask about each resource, and the inventory's details of them."""
    refs = standing(question, graph, inventory)
    entries = {ref: entry for ref in refs if (entry := _entry(ref, graph, inventory))}
    details = inventory.details([entry.ref for entry in entries.values()])
    decode = question.kind.Spec.model_validate_json
    found = []
    for ref in sorted(refs):
        held = details.get(entries[ref].ref) if ref in entries else None
        resource = graph.resources.get(ref)
        if resource is not None and resource.target != question.target.id:
            resource = None  # it leaves for another target, or nobody knows yet where it goes
        spec = resource.spec if resource else None
        same = resource is not None and held is not None and held.content == resource.content
        applied: Spec | None = spec if same else decode(held.content) if held else None
        spec = spec or applied
        if spec is not None:
            uid = entries[ref].uid if ref in entries else inventory.uid(ref, graph.moved)
            found.append(Wanted(ref, uid, spec, applied))
    return found, details


def _entry(ref: Ref, graph: Graph, inventory: Inventory) -> Entry | None:
    """What is held under a name, or was begun under one that git has dropped since."""
    held = inventory.entry(ref, graph.moved)
    return held if held or ref in graph.resources else inventory.begun.get(ref)


def leaves(ref: Ref, target_id: str, graph: Graph) -> bool:
    """Whether a resource that stands on a target is wanted on another one now."""
    resource = graph.resources.get(ref)
    return resource is not None and resource.target not in ("", target_id)


def _moving(graph: Graph, inventory: Inventory) -> set[Ref]:
    """What git, the world or an interrupted run has moved, as far as it is known where it goes."""
    moving = {ref for ref, _ in graph.digests.items() ^ inventory.sources.items()}
    moving |= {ref for ref, _ in inventory.observed.items() ^ inventory.digests.items()}
    moving |= inventory.unsettled
    return moving - {ref for ref in graph.undecided if not graph.resources[ref].target}


def _busy(moving: Iterable[Ref], graph: Graph, inventory: Inventory) -> set[str]:
    """Targets that are read in full: something there is in motion, or there is no token to ask cheaply with."""
    here = {graph.resources[ref].target for ref in moving if ref in graph.resources}
    there = {inventory.entries[ref].target for ref in moving if ref in inventory.entries}
    untold = {target for target, _ in inventory.stands if not _told(target, graph, inventory)}
    begun = {entry.target for ref, entry in inventory.begun.items() if ref not in graph.resources}
    return (here | there | untold | begun) - {""}


def _told(target_id: str, graph: Graph, inventory: Inventory) -> bool:
    """Whether there is a token of a target, and the target is still reached in the same way."""
    token, _ = inventory.tokens.get(target_id, ("", ""))
    target = graph.targets.get(target_id)
    return bool(token) and (target is None or token.startswith(_tag(target)))


def tagged(target: Target, token: str) -> str:
    """A token that counts only as long as its target has the same driver and options."""
    return f"{_tag(target)}{token}" if token else ""


def untagged(token: str) -> str:
    """What the target itself gave."""
    return token.partition(":")[2]


def _tag(target: Target) -> str:
    return digest_of(encode({"driver": target.driver, "options": target.options}))[:8] + ":"


def _come_since(graph: Graph, inventory: Inventory, earlier: Observed) -> set[str]:
    """Targets that answered earlier, but not about something that place/ has put there since."""
    fresh = graph.undecided | {ref for ref, resource in graph.resources.items() if resource.owner}
    anew = {ref for ref in fresh & earlier.results.keys() if _decided_anew(ref, graph, inventory)}
    found = {graph.resources[ref].target for ref in anew} & earlier.targets.keys()
    for ref in fresh - earlier.results.keys():
        target = graph.resources[ref].target
        state = earlier.targets.get(target)
        if state is not None and not _unmoved(ref, target, state.token, graph, inventory):
            found.add(target)
    return found


def _decided_anew(ref: Ref, graph: Graph, inventory: Inventory) -> bool:
    """Whether place/ brought along something else than was applied last, by which the first read had to look."""
    resource, entry = graph.resources[ref], inventory.entry(ref, graph.moved)
    return resource.owner is not None and entry is not None and entry.source != resource.source


def _unmoved(ref: Ref, target: str, token: str, graph: Graph, inventory: Inventory) -> bool:
    """Whether a target is as it was when the inventory's word on ``ref`` was written."""
    entry = inventory.entry(ref, graph.moved)
    then, _ = inventory.tokens.get(target, ("", ""))
    return entry is not None and entry.target == target and token != "" and token == then


def _grouped(
    moving: Iterable[Ref], graph: Graph, inventory: Inventory, busy: set[str]
) -> Mapping[tuple[str, str], list[Ref]]:
    """(target, kind) -> what is declared, held or to be left there, for busy targets."""
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
    for ref, entry in inventory.begun.items():
        if ref not in graph.resources:
            found[entry.target, ref.kind].append(ref)
    for ref in moving:
        held = inventory.entry(ref, graph.moved)
        if held is not None and leaves(ref, held.target, graph):
            found[held.target, ref.kind].append(ref)
    return found


def standing(question: Question, graph: Graph, inventory: Inventory) -> frozenset[Ref]:
    """The resources that a question is about. A quiet target's are looked up only when it is not quiet after all."""
    if question.refs is not None:
        return question.refs
    held = _standing(inventory, question.target.id)
    return frozenset(ref for ref in held if ref.kind == question.kind.name and ref in graph.digests)


def _standing(inventory: Inventory, target_id: str) -> list[Ref]:
    return [ref for ref, entry in inventory.entries.items() if entry.target == target_id]


def _covered(target_id: str, refs: Iterable[Ref], graph: Graph, inventory: Inventory, earlier: Observed) -> bool:
    state = earlier.targets.get(target_id)
    if state is None:
        return False
    return not state.reachable or all(
        ref in (earlier.former if leaves(ref, target_id, graph) else earlier.results)
        and not (ref in graph.resources and _decided_anew(ref, graph, inventory))
        for ref in refs
    )


def _remembered(target_id: str, refs: Iterable[Ref], graph: Graph, inventory: Inventory) -> Target:
    """A back end that no manifest describes any more, as it was when something was last done there."""
    held: Entry = next(entry for ref in refs if (entry := _entry(ref, graph, inventory)))
    details = inventory.details([held.ref])[held.ref]
    return Target(target_id, details.driver, details.options)
