"""Cycles of references: nothing could come first, so they are refused with their chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from reconciler.model import Diagnostic, Ref, Resource


def cycles(items: Mapping[Ref, Resource], suspects: Iterable[Ref]) -> Iterator[Diagnostic]:
    """One Diagnostic per knot of resources that refer to each other in a circle."""
    links = _links(items, suspects)
    try:
        TopologicalSorter(links).prepare()
    except CycleError:
        yield from _knots(items, links)


def _knots(items: Mapping[Ref, Resource], links: Mapping[Ref, Iterable[Ref]]) -> Iterator[Diagnostic]:
    import networkx as nx  # only a broken federation needs it, and it is slow to import

    graph: nx.DiGraph[Ref] = nx.DiGraph((ref, other) for ref, others in links.items() for other in others)
    for knot in nx.strongly_connected_components(graph):
        if len(knot) > 1 or any(graph.has_edge(ref, ref) for ref in knot):
            chain = [a for a, _ in nx.find_cycle(graph.subgraph(knot), min(knot))]
            where = items[chain[0]].location
            said = f"references go round in a circle: {' -> '.join([*chain, chain[0]])}"
            cure = "take one of these references out"
            yield Diagnostic(where.file, where.line, 1, "spec", said, cure, "reference-cycle")


def _links(items: Mapping[Ref, Resource], suspects: Iterable[Ref]) -> dict[Ref, list[Ref]]:
    """The references of everything that ``suspects`` lead to. What refers to nothing cannot be in a circle."""
    links: dict[Ref, list[Ref]] = {}
    todo = list(suspects)
    while todo:
        ref = todo.pop()
        if ref in links or ref not in items or not items[ref].edges:
            continue
        links[ref] = [edge.ref for edge in items[ref].edges if edge.ref in items and items[edge.ref].edges]
        todo.extend(links[ref])
    return links
