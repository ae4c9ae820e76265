"""Who is to be looked at because what it takes from others is another value now: a name whose cluster has moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds import Kind
from reconciler.model import Details, Graph, Inventory, Observation, Present, Ref, Resource, TargetState, encode
from reconciler.observe.questions import Question


def moved_inputs(
    graph: Graph,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    results: Mapping[Ref, Observation],
    targets: Mapping[str, TargetState],
    details: Mapping[Ref, Details],
) -> list[Question]:
    """A full question for each quiet target with something on it whose outputs of others are not those applied.

    ``details`` are those of whatever takes and gives outputs. A zone that has not changed says so and no more; that is
    not enough to plan a change of it.
    """
    restless = set[tuple[str, str]]()
    for ref in graph.taking - results.keys():
        entry, resource = inventory.entries.get(ref), graph.resources[ref]
        quiet = entry is not None and entry.target == resource.target
        if entry is None or not quiet or (resource.target, ref.kind) in restless:
            continue
        values = dict(_values(graph, ref, results, details))
        if not values or _plainly_same(resource, values, details.get(ref)):
            continue
        if kinds[ref.kind].fill(resource.spec, values).digest() != entry.digest:
            restless.add((resource.target, ref.kind))
    asked = [(t, kind) for t, kind in sorted(restless) if t in targets and targets[t].reachable]
    return [Question(graph.targets[target], kinds[kind], None, "") for target, kind in asked]


def _values(
    graph: Graph, ref: Ref, results: Mapping[Ref, Observation], details: Mapping[Ref, Details]
) -> Iterator[tuple[str, Any]]:
    """What it would take now, by path; of somebody who gives nothing, nothing."""
    for edge in graph.resources[ref].edges:
        seen, held = results.get(edge.ref), details.get(edge.ref)
        outputs = seen.outputs if isinstance(seen, Present) else held.outputs if held and seen is None else {}
        if edge.output and edge.output in outputs:
            yield edge.path, outputs[edge.output]


def _plainly_same(resource: Resource, values: Mapping[str, Any], held: Details | None) -> bool:
    """Whether the one text it takes stands in what was applied, and not in what git says: without decoding either."""
    if len(values) != 1 or held is None:
        return False
    (value,) = values.values()
    text = encode(value)
    return isinstance(value, str) and text in held.content and text not in resource.content
