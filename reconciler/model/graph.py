"""Graph: every resource, who needs whom, and the back ends they live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.ref import Ref
from reconciler.model.resource import Resource
from reconciler.model.target import Target


class Ranked(NamedTuple):
    """A candidate that fits, with what its score is made of."""

    name: str
    score: float
    reason: str = ""
    parts: tuple[tuple[str, float], ...] = ()
    """(what, share of the score), in the order in which they weigh."""


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
    """True when an earlier choice was kept, and nothing else is chosen beside it."""
    moved_from: tuple[str, ...] = ()
    """What was chosen earlier and became impossible."""
    released: tuple[str, ...] = ()
    """What was chosen earlier, is possible and is not needed any more."""
    ranked: tuple[Ranked, ...] = ()
    """Every candidate that fits, the best first; the chosen ones are among them."""

    def brief(self) -> Choice:
        """The choice without the candidates it was not made from: what was kept needs no new reasons."""
        return replace(self, rejected=(), ranked=(), runner_up="") if self.kept else self


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
    timed: frozenset[Ref] = frozenset()
    """Resources with a lifetime."""
    expired: Mapping[Ref, str] = field(default_factory=dict)
    """What is declared and not wanted any more, for its lifetime is over; it is not among ``resources``."""
    moved: Mapping[Ref, Ref] = field(default_factory=dict)
    """New name -> former name."""
    choices: tuple[Choice, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    """What is odd between resources and forbids nothing, as far as what changed touches it."""
    reminders: tuple[Diagnostic, ...] = ()
    """What time has made odd, or will soon; told by every plan."""
    unplaced: Mapping[Ref, Choice] = field(default_factory=dict)
    """Resources for which no candidate is left, each with the reason per candidate."""
    short: Mapping[Ref, str] = field(default_factory=dict)
    """Resources for which their target has not enough left, with the numbers; what others of this plan take counts."""
    unfit: Mapping[Ref, str] = field(default_factory=dict)
    """Resources that their target can never give what they need, with the reason."""
    remarks: tuple[str, ...] = ()
    """What is to be known of this run besides."""
    notes: Mapping[Ref, str] = field(default_factory=dict)
    """What is to be said of how a resource will be made: its flavours."""
