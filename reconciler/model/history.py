"""What the records tell of the past: runs, events, operations that a crash left open, leases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.plan import Verb
from reconciler.model.ref import Ref
from reconciler.model.resource import Edge
from reconciler.model.target import Target


@dataclass(frozen=True, slots=True)
class Run:
    """One reconcile. ``counts`` maps what happened (``create``, ``failed``, ``unchanged``) to how often."""

    id: str
    kind: str
    """``apply``, ``run``, ``import``: what started it."""
    state: str
    """``running``, ``done``, ``failed``, ``blocked`` or ``interrupted``."""
    commit: str
    plan_digest: str
    who: str
    started_at: datetime
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the world or of the inventory, done or attempted."""

    id: int
    at: datetime
    run: str
    ref: Ref
    verb: Verb
    state: str
    """``done``, ``failed``, ``unknown``, or ``interrupted``: begun by a run that was killed or broke off."""
    reason: str
    message: str
    target: str
    uid: str
    generation: int
    before_hash: str
    """Digest of what was there; "" when nothing was."""
    after_hash: str
    """Digest of what was put there; "" when it was taken away."""
    who: str
    commit: str
    plan_digest: str
    operation: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A journal row whose end is not known: the process died, or the answer was lost.

    It carries all that is needed to look the object up, finish it or take it away, even when git no longer has it.
    """

    id: str
    run: str
    ref: Ref
    verb: Verb
    uid: str
    generation: int
    state: str
    """``intended`` (perhaps never sent), ``started`` (see ``handle``) or ``unknown`` (the answer was lost)."""
    reason: str
    target: Target
    content: bytes
    """Canonical JSON of the spec wanted; of the spec to be taken away for delete; b"" when there is none."""
    edges: tuple[Edge, ...]
    previous: Ref | None
    handle: str
    attempt: int
    message: str
    intended_at: datetime
    started_at: datetime | None
    deadline: datetime | None
    """When a started operation is to be given up."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    """How far a started operation has come, where it moves bytes: the fields of Progress, with ``estimated_end``."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may work on this database. ``token`` grows with every holder: a late writer is known by its old one."""

    name: str
    holder: str
    token: int
    since: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Permit:
    """An approval that was used: it allowed one action of one run."""

    run: str
    approval: Ref
    ref: Ref
    verb: Verb
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """How the last read of a target went, and since when it has been so."""

    target: str
    reachable: bool
    complete: bool
    reason: str
    token: str
    digest: str
    observed_at: datetime | None
    """The last successful read; None when there was none."""
    since: datetime
    """When ``reachable`` changed last."""
