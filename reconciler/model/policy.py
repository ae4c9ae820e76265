"""Policy: the limits a plan must keep. Values, not flags: they come from hanse.toml and from git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.part import Part
from reconciler.model.plan import Action, Reason
from reconciler.model.ref import Ref
from reconciler.model.taken import Grant, SiteTerms


@dataclass(frozen=True, slots=True)
class Limit:
    """The blast radius, counted per (kind, target): more than this needs an Approval.

    ``percent`` counts only where at least ``minimum_population`` objects are held (octoDNS's rule); below that,
    ``absolute`` alone decides.
    """

    absolute: int = 10
    percent: float = 30.0
    minimum_population: int = 10


@dataclass(frozen=True, slots=True)
class Approval:
    """A committed permission: which deletes and replaces, until when, who and why."""

    ref: Ref
    scope: Mapping[str, Any]
    """Keys, each a tuple of patterns: actions, kinds, namespaces, targets, resources."""
    at_most: int
    expires: datetime
    reason: str
    by: str
    used: frozenset[Ref] = frozenset()
    """What it has let through in earlier runs; these count, once each."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Something is held: ``scope`` is ``all``, ``target:<id>``, ``namespace:<name>`` or ``resource:<ref>``."""

    scope: str
    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in which something may be changed, or may not, as they stand at the time of the plan."""

    scope: Mapping[str, Any]
    """What it speaks of, with the keys of an Approval's scope."""
    shut: bool
    alternative: bool
    """Of several of these that speak of the same, one that is not shut is enough; any other that is shut holds."""
    until: datetime | None
    """When it is shut or opened next."""
    reason: Reason
    message: str
    """Why something waits for it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that plan/ must respect besides what is wanted and what is there. ``now`` is the plan's only clock."""

    now: datetime
    deletes: Limit = Limit()
    updates: Limit = Limit(absolute=1000, percent=60.0)
    approvals: tuple[Approval, ...] = ()
    pauses: tuple[Pause, ...] = ()
    timings: tuple[Timing, ...] = ()
    unverified: str = ""
    """Why the commit's origin is not verified: then nothing is done at all."""
    playbooks: str = ""
    refused: Mapping[Ref, tuple[Reason, str]] = field(default_factory=dict)
    """What those who changed it in git may not do, and why."""
    held: tuple[Action, ...] = ()
    """What git says and does not count, for nobody who may has said so: told, and not done."""
    parts: tuple[Part, ...] = ()
    """What needs whose word."""
    mended: Mapping[Ref, tuple[datetime, ...]] = field(default_factory=dict)
    """When drift of a resource was mended, or that was tried, within the last hour."""
    terms: Mapping[str, SiteTerms] = field(default_factory=dict)
    """Site -> what it lets the federation do there, of those that say so."""
    grants: Mapping[tuple[str, str], Grant] = field(default_factory=dict)
    """(site, VO) -> what the VO was granted there, of the allocations in force."""
    ends: Mapping[Ref, datetime] = field(default_factory=dict)
    """When what has a lifetime ends, as far as that can be said."""
