"""Graph: every resource, who needs whom, and the back ends they live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.ref import Ref
from reconciler.model.resource import Resource
from reconciler.model.target import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """An open choice made by place/: which candidate, why, and who came second."""

    ref: Ref
    field: str
    chosen: str
    reason: str
    runner_up: str = ""
    rejected: tuple[tuple[str, str], ...] = ()
    """(candidate, why not), sorted by candidate."""
    kept: bool = False
    """True when an earlier choice was kept."""
    moved_from: str = ""
    """The earlier choice, when it became impossible."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All resources of one revision. References are resolved: every edge leads to a key of ``resources``."""

    commit: str
    resources: Mapping[Ref, Resource]
    targets: Mapping[str, Target]
    choices: tuple[Choice, ...] = ()
    unplaced: Mapping[Ref, Choice] = field(default_factory=dict)
    """Resources for which no candidate is left, each with the reason per candidate."""
