"""Observed: what the world said, three-valued. A failed read is unknown, never absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from reconciler.model.plan import Reason
from reconciler.model.ref import Ref
from reconciler.model.resource import Edge
from reconciler.model.spec import Spec
from reconciler.model.stage import Stage


@dataclass(frozen=True, slots=True)
class Present:
    """It is there. ``spec`` is what was read, in the desired state's own type and canonical form."""

    spec: Spec
    owned: bool = True
    """False when the object carries no mark of ours: a person, or another tool, made it."""
    uid: str = ""
    """The uid in the mark; "" when there is none or the back end cannot carry one."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Values other resources may take (``frontend_ip``)."""
    healthy: bool | None = None
    """What the back end itself says; None when it says nothing."""
    note: str = ""
    """Why it is not healthy, or what differs in a way the spec cannot show."""
    digest: str = ""
    """Digest of ``spec``; computed here when not given."""
    due: tuple[int, int] | None = None
    """(files, bytes) that making it as wanted copies; None where that is not counted."""
    stages: tuple[Stage, ...] = ()
    """How far it has come, for what is built in steps."""

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", self.spec.digest())


@dataclass(frozen=True, slots=True)
class Absent:
    """Proved absent: the whole target was read and it is not there."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not be read. Nothing may be concluded from it."""

    reason: str
    because: Reason | None = None
    """Why, where that is no failure: OBSERVE_ONLY when nobody gave a credential to look with."""


Observation = Present | Absent | Unknown


@dataclass(frozen=True, slots=True)
class Wanted:
    """What observe is asked about: a resource of the manifests, of the inventory, or of both."""

    ref: Ref
    uid: str
    spec: Spec
    """The desired spec; the applied one when the manifest is gone."""
    applied: Spec | None = None
    """The spec applied last; None when never applied."""


@dataclass(frozen=True, slots=True)
class Stray:
    """An object with our ownership mark that no manifest and no inventory row wants."""

    target: str
    uid: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One bulk read of one target: an observation for each resource asked about.

    ``token`` lets the next read be cheap: a driver given the same token back may answer ``unchanged``.
    """

    results: Mapping[Ref, Observation]
    strays: tuple[Stray, ...] = ()
    token: str = ""
    unchanged: bool = False
    complete: bool = True
    """False when only a part could be read: then nothing is proved absent and nothing may be deleted."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """How the read of one target went."""

    reachable: bool
    complete: bool = True
    reason: str = ""
    token: str = ""
    digest: str = ""
    """Digest over every (ref, digest) read on it."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The world as read in this run."""

    targets: Mapping[str, TargetState]
    digests: Mapping[Ref, str]
    """Digest of each present object: compared with the desired ones as whole dictionaries."""
    results: Mapping[Ref, Observation]
    """Observations in full, for targets that were read (a target unchanged since its token is only in ``digests``)."""
    strays: tuple[Stray, ...] = ()
    applied: Mapping[Ref, Details] = field(default_factory=dict)
    """The inventory's details of everything looked at, and of everything whose outputs others take."""
    former: Mapping[Ref, Observation] = field(default_factory=dict)
    """What stands where the inventory has a resource that is wanted on another target now."""
    kept: Mapping[str, datetime] = field(default_factory=dict)
    """Target -> when it was read, of those that were not read in this run: what is said of them is as old as that.

    Nothing is done there on the strength of it; they are read first."""


class Entry(NamedTuple):
    """One row of the inventory: a resource that Hanse has made, and all that is needed to take it away again."""

    ref: Ref
    uid: str
    generation: int
    digest: str
    """Digest of the spec applied last, with choices and outputs filled in."""
    observed_digest: str
    target: str
    meta_digest: str = ""
    """Digest over lifecycle, edges and target: a difference is book-keeping, not a change of the world."""
    source: str = ""
    """Digest of the declared spec it was made from: choices filled in, outputs of others not yet."""


@dataclass(frozen=True, slots=True)
class Details:
    """The heavy part of an inventory row, read only for the resources that need it."""

    content: bytes
    """Canonical JSON of the spec applied last."""
    edges: tuple[Edge, ...]
    outputs: Mapping[str, Any]
    lifecycle: Mapping[str, Any]
    options: Mapping[str, Any]
    """The target's options."""
    driver: str
    choices: Mapping[str, tuple[str, ...]]
    owner: Ref | None
    commit: str
    file: str
    target: str = ""
    """Target id."""
    changed: str = ""
    """When it was applied last, as the records write it; "" where they do not tell."""
