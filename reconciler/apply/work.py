"""Work: a plan with what is needed to carry it out, and the tasks made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.apply.task import Task
from reconciler.kinds import Kind
from reconciler.model import (
    Action,
    Change,
    Details,
    Graph,
    Observation,
    Operation,
    Plan,
    Present,
    Reason,
    Ref,
    Spec,
    Target,
    Verb,
    encode,
)
from reconciler.ports import Drivers

_RECORD_ONLY = (Verb.MOVE, Verb.FORGET)


@dataclass
class Work:
    """One plan to carry out."""

    plan: Plan
    graph: Graph
    applied: Mapping[Ref, Details]
    """The inventory's details of everything the plan touches."""
    kinds: Mapping[str, Kind[Any]]
    drivers: Drivers
    run: str
    seen: Mapping[Ref, Observation] = field(default_factory=dict)
    """What was observed of what the plan touches."""
    recheck: bool = False
    """True for a saved plan: creates too are looked at once more."""

    def __post_init__(self) -> None:
        self._specs: dict[Ref, Spec] = {}

    def recorded_only(self, action: Action) -> bool:
        """Whether the action changes the inventory and not the world."""
        return action.verb in _RECORD_ONLY or (action.verb is Verb.ADOPT and action.reason is not Reason.FOUND)

    def operation(self, action: Action, number: int) -> Operation:
        """The journal's name for an action: the same plan in the same run gives the same names."""
        return Operation(f"{self.run}/{number:06d}", self.run, action)

    def task(self, action: Action, operation: Operation, outputs: Mapping[Ref, Mapping[str, Any]], now: float) -> Task:
        """The action as a task, with outputs of others filled in."""
        kind = self.kinds[action.ref.kind]
        before = kind.Spec.model_validate_json(encode(action.before)) if action.before is not None else None
        if action.verb is Verb.DELETE:
            change = Change(action.ref, action.uid, action.generation, _given(before), before)
            return Task(action, operation, change, self._held_target(action), "remove", now)
        action = self._filled(action, outputs)
        operation = replace(operation, action=action)
        wanted = action.before if action.verb is Verb.ADOPT else action.spec
        spec = kind.Spec.model_validate_json(encode(wanted))
        change = Change(action.ref, action.uid, action.generation, spec, before, self._context(action))
        target = self.graph.targets[action.target]
        if action.verb is not Verb.REPLACE:
            return Task(action, operation, change, target, "put", now)
        return self._replacing(Task(action, operation, replace(change, before=None), target, "put", now), before)

    def _replacing(self, put: Task, before: Spec | None) -> Task:
        """Both halves of a replace. Only where old and new would stand in one place, the old one has to go first."""
        action = put.action
        old = Change(action.ref, action.uid, action.generation, _given(before), before)
        remove = Task(action, put.operation, old, self._held_target(action), "remove", put.since)
        in_place = remove.target.id == put.target.id
        for half in (put, remove):
            half.change = replace(half.change, again=in_place)
        first, second = (remove, put) if in_place else (put, remove)
        first.then = second
        return first

    def _filled(self, action: Action, outputs: Mapping[Ref, Mapping[str, Any]]) -> Action:
        taken = {edge.path: edge for edge in action.edges if edge.output}
        if not taken or action.verb is Verb.ADOPT:
            return action
        values = {path: self._outputs(edge.ref, outputs).get(edge.output) for path, edge in taken.items()}
        if any(value is None for value in values.values()):
            return action
        spec = self.kinds[action.ref.kind].fill(self.graph.resources[action.ref].spec, values)
        return replace(action, spec=spec.model_dump(mode="json", by_alias=True, exclude_none=True))

    def missing_output(self, action: Action, outputs: Mapping[Ref, Mapping[str, Any]]) -> str:
        """The output that an action needs and nobody gave: "" when none is missing."""
        for edge in action.edges:
            if edge.output and action.verb is not Verb.DELETE and edge.output not in self._outputs(edge.ref, outputs):
                return f"{edge.ref} has no output {edge.output}"
        return ""

    def _outputs(self, ref: Ref, outputs: Mapping[Ref, Mapping[str, Any]]) -> Mapping[str, Any]:
        if ref in outputs:
            return outputs[ref]
        return self.found_outputs(ref) or (self.applied[ref].outputs if ref in self.applied else {})

    def found_outputs(self, ref: Ref) -> Mapping[str, Any]:
        """What a resource hands on as it stands in the world."""
        found = self.seen.get(ref)
        return found.outputs if isinstance(found, Present) else {}

    def _held_target(self, action: Action) -> Target:
        """Where it stands now, which may not be where the manifests want it."""
        held = self.applied.get(action.previous or action.ref)
        found = held.target if held else action.target
        if found in self.graph.targets:
            return self.graph.targets[found]
        if held is None:
            return self.graph.targets[action.target]
        return Target(found, held.driver, held.options)

    def _context(self, action: Action) -> dict[Ref, Spec]:
        for edge in action.edges:
            if edge.ref not in self._specs and edge.ref in self.graph.resources:
                self._specs[edge.ref] = self.graph.resources[edge.ref].spec
        return {edge.ref: self._specs[edge.ref] for edge in action.edges if edge.ref in self._specs}


def _given(spec: Spec | None) -> Spec:
    if spec is None:
        raise ValueError("a plan never takes away what it has not seen")
    return spec
