"""Why something is not ready: from a resource along its references down to the root causes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model import Action, Condition, ConditionType, Edge, Graph, Plan, Ref, Verb


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource (or target) on the way, how it stands, and what it needs that does not stand well."""

    name: str
    """Reference of a resource, or id of a target."""
    well: bool
    needed: str = ""
    """How the finding above needs it: ``ready, spec.site``; "" for the one asked about."""
    said: tuple[str, ...] = ()
    """What is known, most telling first."""
    below: tuple[Finding, ...] = ()

    @property
    def cause(self) -> bool:
        """Whether this is a root cause: it does not stand well, and nothing below it explains why."""
        return not self.well and not self.below

    @property
    def causes(self) -> tuple[Finding, ...]:
        """Every root cause under this finding, itself included, each once."""
        found = [self] if self.cause else [cause for child in self.below for cause in child.causes]
        return tuple({cause.name: cause for cause in found}.values())


def explain(ref: Ref, graph: Graph, plan: Plan, conditions: Mapping[Ref, Sequence[Condition]]) -> Finding:
    """The tree of findings under ``ref``; what stands well is not followed."""
    return _Walk(graph, plan, conditions).finding(ref, "", ())


class _Walk:
    def __init__(self, graph: Graph, plan: Plan, conditions: Mapping[Ref, Sequence[Condition]]) -> None:
        self._graph, self._conditions = graph, conditions
        self._unreachable = plan.unreachable
        self._actions = {action.ref: action for action in plan.actions}

    def finding(self, ref: Ref, needed: str, above: tuple[Ref, ...]) -> Finding:
        action, said = self._actions.get(ref), tuple(self._said(ref))
        if self._well(ref):
            return Finding(ref, well=True, needed=needed, said=said or ("ready",))
        below = [self._below(edge, (*above, ref)) for edge in self._needs(ref, action) if edge.ref not in above]
        troubled = [found for found in below if not found.well]
        target = self._target(ref, action)
        if target in self._unreachable:
            why = f"cannot be read: {self._unreachable[target]}"
            troubled.append(Finding(target, well=False, needed="lives on", said=(why,)))
        return Finding(ref, well=False, needed=needed, said=said, below=tuple(troubled))

    def _below(self, edge: Edge, above: tuple[Ref, ...]) -> Finding:
        where = edge.path or "waits for"
        needed = f"{where}, its {edge.output}" if edge.output else f"{where}, {edge.gate}"
        return self.finding(edge.ref, needed, above)

    def _needs(self, ref: Ref, action: Action | None) -> Iterator[Edge]:
        declared = self._graph.resources.get(ref)
        edges = declared.edges if declared else ()
        yield from edges
        known = {edge.ref for edge in edges}
        yield from (Edge(other) for other in (action.waits_for if action else ()) if other not in known)

    def _target(self, ref: Ref, action: Action | None) -> str:
        declared = self._graph.resources.get(ref)
        return declared.target if declared else action.target if action else ""

    def _well(self, ref: Ref) -> bool:
        if self._troubled(ref) or self._target(ref, None) in self._unreachable:
            return False
        action = self._actions.get(ref)
        return (action is None or action.verb is Verb.NOOP) and (
            ref in self._graph.resources or ref in self._conditions
        )

    def _troubled(self, ref: Ref) -> list[Condition]:
        """Conditions that say something is wrong."""
        wrong = {
            ConditionType.READY: ("False", "Unknown"),
            ConditionType.STALLED: ("True",),
            ConditionType.HEALTHY: ("False",),
        }
        return [c for c in self._conditions.get(ref, ()) if c.status in wrong.get(c.type, ())]

    def _said(self, ref: Ref) -> Iterator[str]:
        told: set[str] = set()
        for condition in self._troubled(ref):
            words = f"{condition.reason}: {condition.message}" if condition.message else condition.reason
            if words not in told:
                told.add(words)
                yield f"{_STANDING[condition.type, condition.status]}: {words}"
        action = self._actions.get(ref)
        if action is not None and action.verb is not Verb.NOOP:
            yield _planned(action)
        elif ref in self._graph.unplaced:
            yield f"has no place: {self._graph.unplaced[ref].reason}"
        elif ref not in self._graph.resources and ref not in self._conditions:
            yield "is not declared at this commit, and nothing is known of it"


_STANDING = {
    (ConditionType.READY, "False"): "not ready",
    (ConditionType.READY, "Unknown"): "not known to be ready",
    (ConditionType.STALLED, "True"): "stalled",
    (ConditionType.HEALTHY, "False"): "not healthy",
}


def _planned(action: Action) -> str:
    why = f" ({action.message})" if action.message else ""
    if action.blocked:
        return f"to {action.verb}, blocked: {action.blocked}{why}"
    if action.verb is Verb.DEFER:
        return f"waits: {action.reason}{why}"
    return f"to {action.verb} in the next run: {action.reason}{why}"
