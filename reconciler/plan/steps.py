"""Steps that what was applied forbids, and what changes mean: the kinds say which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.kinds import Fault, Kind
from reconciler.model import Action, Graph, Observed, Ref, Spec, Verb, encode

Kinds = Mapping[str, Kind[Any]]
_STEPS = (Verb.UPDATE, Verb.REPLACE, Verb.DELETE)


def meant(decided: Sequence[Action], graph: Graph, observed: Observed, kinds: Kinds) -> list[Action]:
    """The actions; those whose change means something say it."""
    return [_said(action, graph, observed, kinds) for action in decided]


def refused(decided: Sequence[Action], graph: Graph, observed: Observed, kinds: Kinds, now: datetime) -> dict[Ref, str]:
    """Why a step may not be taken, of those that may not."""
    found = {}
    for action in decided:
        if action.verb not in _STEPS or not _overrides(kinds[action.ref.kind], "turned"):
            continue
        before, wanted = _specs(action, graph, observed, kinds)
        if before is not None:
            faults = [*_faults(kinds[action.ref.kind], before, wanted, now)]
            found.update({action.ref: "; ".join(faults)} if faults else {})
    return found


def _faults(kind: Kind[Any], before: Spec, wanted: Spec | None, now: datetime) -> Iterator[str]:
    severity = {rule.id: rule.severity for rule in kind.rules}
    for rule, fault in kind.turned(before, wanted, now):
        if severity.get(rule, "error") == "error":
            yield _told(fault)


def _told(fault: Fault) -> str:
    return f"{fault.message} ({fault.cure})" if fault.cure else fault.message


def _said(action: Action, graph: Graph, observed: Observed, kinds: Kinds) -> Action:
    kind = kinds[action.ref.kind]
    if action.verb is Verb.DELETE and action.before is not None and _overrides(kind, "parting"):
        said = kind.parting(kind.Spec.model_validate_json(encode(action.before)))
        return replace(action, message="; ".join(filter(None, [said, action.message])))
    if action.verb is not Verb.UPDATE or not _overrides(kind, "step"):
        return action
    before, wanted = _specs(action, graph, observed, kinds)
    said = kind.step(before, wanted) if before is not None and wanted is not None else ""
    return replace(action, message="; ".join(filter(None, [said, action.message])))


def _specs(action: Action, graph: Graph, observed: Observed, kinds: Kinds) -> tuple[Spec | None, Spec | None]:
    """As it was applied last, and as it is wanted; None for neither."""
    kind = kinds[action.ref.kind]
    details = observed.applied.get(action.previous or action.ref)
    before = details.content if details else encode(action.before) if action.before is not None else None
    resource = graph.resources.get(action.ref)
    return (kind.Spec.model_validate_json(before) if before else None), (resource.spec if resource else None)


def _overrides(kind: Kind[Any], method: str) -> bool:
    return getattr(type(kind), method) is not getattr(Kind, method)
