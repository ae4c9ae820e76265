"""What a plan promises: whether every cloud has left what the plan takes of it, all of the plan's takers together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.kinds import Kind, World
from reconciler.kinds.world import NOT_ASKED
from reconciler.model import Graph, Ref, Unknown


def promise(graph: Graph, world: World, kinds: Mapping[str, Kind[Any]]) -> Graph:
    """The graph with what cannot be promised; who comes first is served first, in the order of ``place``."""
    turn = {choice.ref: n for n, choice in enumerate(graph.choices, start=1)}
    short: dict[Ref, str] = {}
    unfit: dict[Ref, str] = {}
    notes: dict[Ref, str] = {}
    due = [ref for ref in world.moved if ref in graph.resources and ref not in graph.unplaced]
    for ref in sorted(due, key=lambda ref: (world.stands(ref) is None, turn.get(ref, 0), ref)):
        demand = kinds[ref.kind].demand(ref, graph.resources[ref].spec, world)
        lacking = {target: _lacks(target, world, demand.takes) for target in demand.takes}
        lacks = "; ".join(f"{target}: {said}" for target, said in lacking.items() if said)
        if demand.why_not:
            unfit[ref] = demand.why_not
        elif lacks:
            short[ref] = f"the quota does not suffice: {lacks}"
        else:
            notes[ref] = demand.said or _unread(demand.takes, world)
            for target, need in demand.takes.items():
                world = world.less(target, need)
    if not (short or unfit or any(notes.values())):
        return graph
    return replace(graph, short=short, unfit=unfit, notes={ref: note for ref, note in notes.items() if note})


def _lacks(target: str, world: World, takes: Mapping[str, Any]) -> str:
    offer = world.offer(target)
    return "" if isinstance(offer, Unknown) else offer.lacks(takes[target])


def _unread(takes: Mapping[str, Any], world: World) -> str:
    """What was asked and not answered: then nothing is promised, and the cloud itself says no if it must."""
    said = [
        offer.reason for target in takes if isinstance(offer := world.offer(target), Unknown) and offer is not NOT_ASKED
    ]
    return f"what the cloud has left is not known: {'; '.join(said)}" if said else ""
