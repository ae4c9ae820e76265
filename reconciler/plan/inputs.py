"""Outputs of other resources (``valuesFrom``), filled in where they are known before apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.kinds import Kind
from reconciler.model import FieldChange, Graph, Observed, Present, Ref, Resource


class Inputs:
    """Fills specs with the outputs that the world, or the inventory, shows today."""

    def __init__(self, graph: Graph, observed: Observed, kinds: Mapping[str, Kind[Any]]) -> None:
        self._graph, self._observed, self._kinds = graph, observed, kinds

    def fill(self, resource: Resource) -> tuple[Mapping[str, Any], FieldChange | None]:
        """The spec as plain data, and the change to show when a value is known only after apply."""
        spec: Mapping[str, Any] = orjson.loads(resource.content)
        if resource.ref not in self._graph.taking:
            return spec, None
        values: dict[str, Any] = {}
        for edge in resource.edges:
            if edge.output:
                outputs = self._outputs(edge.ref)
                if edge.output not in outputs:
                    return spec, FieldChange(edge.path, None, f"{edge.ref}.{edge.output}", known=False)
                values[edge.path] = outputs[edge.output]
        filled = self._kinds[resource.ref.kind].fill(resource.spec, values)
        return orjson.loads(filled.canonical()), None

    def _outputs(self, ref: Ref) -> Mapping[str, Any]:
        seen = self._observed.results.get(ref)
        if isinstance(seen, Present):
            return seen.outputs
        if seen is not None:
            return {}
        held = self._observed.applied.get(ref)
        return held.outputs if held else {}
