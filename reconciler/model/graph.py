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
    chosen: tuple[str, ...]
    reason: str
    runner_up: str = ""
    rejected: tuple[tuple[str, str], ...] = ()
    """(candidate, why not), sorted by candidate."""
    kept: bool = False
    """True when an earlier choice was kept."""
    moved_from: tuple[str, ...] = ()
    """What was chosen earlier and became impossible."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All resources of one revision. References are resolved: every edge leads to a key of ``resources``."""

    commit: str
    resources: Mapping[Ref, Resource]
    digests: Mapping[Ref, str]
    """What git says of each resource (``Resource.source``): a federation is compared as whole dictionaries."""
    targets: Mapping[str, Target]
    taking: frozenset[Ref] = frozenset()
    """Resources that take outputs of others (valuesFrom)."""
    undecided: frozenset[Ref] = frozenset()
    """Resources with something for place/ to choose or derive."""
    moved: Mapping[Ref, Ref] = field(default_factory=dict)
    """New name -> former name."""
    choices: tuple[Choice, ...] = ()
    unplaced: Mapping[Ref, Choice] = field(default_factory=dict)
    """Resources for which no candidate is left, each with the reason per candidate."""
