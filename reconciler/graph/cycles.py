"""Cycles of references: nothing could come first, so they are refused with their chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import networkx as nx

from reconciler.model import Diagnostic, Ref, Resource


def cycles(items: Mapping[Ref, Resource], suspects: Iterable[Ref]) -> Iterator[Diagnostic]:
    """One Diagnostic per knot of resources that refer to each other in a circle."""
    reachable = _reachable(items, suspects)
    if nx.is_directed_acyclic_graph(reachable):
        return
    for knot in nx.strongly_connected_components(reachable):
        if len(knot) > 1 or any(reachable.has_edge(ref, ref) for ref in knot):
            chain = [a for a, _ in nx.find_cycle(reachable.subgraph(knot), min(knot))]
            where = items[chain[0]].location
            said = " -> ".join([*chain, chain[0]])
            yield Diagnostic(
                where.file,
                where.line,
                1,
                "spec",
                f"references go round in a circle: {said}",
                "take one of these references out",
                "reference-cycle",
            )


def _reachable(items: Mapping[Ref, Resource], suspects: Iterable[Ref]) -> nx.DiGraph[Ref]:
    """The references among everything that ``suspects`` lead to. Leaves cannot be in a circle and are left out."""
    found: nx.DiGraph[Ref] = nx.DiGraph()
    seen: set[Ref] = set()
    todo = list(suspects)
    while todo:
        ref = todo.pop()
        if ref in seen or ref not in items:
            continue
        seen.add(ref)
        for edge in items[ref].edges:
            if edge.ref in items and (edge.ref == ref or items[edge.ref].edges):
                found.add_edge(ref, edge.ref)
                todo.append(edge.ref)
    return found
