"""Plan: what would be done and why, as a value. Rendering and applying read the same list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from reconciler.model.account import DataAccount
from reconciler.model.claim import Claim
from reconciler.model.graph import Choice
from reconciler.model.part import Part
from reconciler.model.ref import Ref
from reconciler.model.resource import Edge


class Verb(StrEnum):
    """What an action does."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    MOVE = "move"
    FORGET = "forget"
    NOOP = "noop"
    DEFER = "defer"


WRITES = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE})
"""Verbs that change the world; adopt, move and forget change the inventory only."""


class Reason(StrEnum):
    """Why an action is planned, or why it is not done."""

    # why an action is planned
    NEW = "New"
    SPEC_CHANGED = "SpecChanged"
    IMMUTABLE_CHANGED = "ImmutableFieldChanged"
    DRIFT_DETECTED = "DriftDetected"
    VANISHED = "Vanished"
    """It was there and is proved gone: drift, repaired by a create."""
    REMOVED_FROM_GIT = "RemovedFromGit"
    EXPIRED = "Expired"
    RENAMED = "Renamed"
    FOUND = "Found"
    """It exists already and its manifest says ``adopt: true``."""
    OUTCOME_RESOLVED = "OutcomeResolved"
    """An interrupted run had made it: found again by its mark."""
    ALREADY_GONE = "AlreadyGone"
    RETAINED = "Retained"
    INPUT_CHANGED = "InputChanged"
    """An output it takes from another resource changed."""
    # why it waits, or is not done
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    DEPENDENCY_FAILED = "DependencyFailed"
    OBSERVATION_FAILED = "ObservationFailed"
    OBSERVATION_STALE = "ObservationStale"
    TARGET_UNREACHABLE = "TargetUnreachable"
    SITE_IN_DOWNTIME = "SiteInDowntime"
    PLAN_STALE = "PlanStale"
    UNVERIFIED = "Unverified"
    DELETION_BLOCKED = "DeletionBlocked"
    THRESHOLD_EXCEEDED = "ThresholdExceeded"
    APPROVAL_REQUIRED = "ApprovalRequired"
    APPROVAL_EXPIRED = "ApprovalExpired"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    DRIFT_IGNORED = "DriftIgnored"
    PAUSED = "Paused"
    WINDOW_CLOSED = "WindowClosed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    INVALID_MANIFEST = "InvalidManifest"
    ADOPTION_CONFLICT = "AdoptionConflict"
    OBSERVE_ONLY = "ObserveOnly"
    NO_PLACE = "NoPlace"
    STUCK = "Stuck"
    """Files that could not be brought in; they are tried again later."""
    BACKING_OFF = "BackingOff"
    """It has failed, and its time to be tried again has not come."""
    SUSPENDED = "Suspended"
    """A rule that has failed for too long: tried again when git changes it."""
    LAST_COPY = "LastCopy"
    """Nothing else holds what it holds: it goes only where an Approval names it."""
    AGAINST_HISTORY = "AgainstHistory"
    """What was applied forbids this step: it is taken only where an Approval names it."""
    NOT_AUTHORISED = "NotAuthorised"
    """Who changed it in git may not, and nobody who may has agreed."""
    APPROVAL_PENDING = "ApprovalPending"
    """Somebody's word is needed for it that was not given."""
    SITE_OBSERVE_ONLY = "SiteObserveOnly"
    SITE_FORBIDS_DELETE = "SiteForbidsDelete"
    SITE_LIMIT = "SiteLimit"
    """More than the site lets the federation take, or a kind that it does not take: no Approval lifts it."""
    OVER_ALLOCATION = "OverAllocation"
    """More than the VO was granted at the site."""


HELD = frozenset({Reason.PAUSED, Reason.WINDOW_CLOSED, Reason.SITE_IN_DOWNTIME})
"""Reasons for which something waits because somebody said so."""

POSTPONED = frozenset({Reason.OBSERVATION_STALE, Reason.BACKING_OFF})
"""Reasons for which a round of the loop leaves something to another one: nothing new is known of it."""

BLOCKS = frozenset(
    {
        Reason.UNVERIFIED,
        Reason.DELETION_BLOCKED,
        Reason.THRESHOLD_EXCEEDED,
        Reason.APPROVAL_REQUIRED,
        Reason.APPROVAL_EXPIRED,
        Reason.OUTCOME_UNKNOWN,
        Reason.ADOPTION_CONFLICT,
        Reason.QUOTA_EXCEEDED,
        Reason.LAST_COPY,
        Reason.AGAINST_HISTORY,
        Reason.NOT_AUTHORISED,
        Reason.APPROVAL_PENDING,
        Reason.SITE_OBSERVE_ONLY,
        Reason.SITE_FORBIDS_DELETE,
        Reason.SITE_LIMIT,
        Reason.OVER_ALLOCATION,
    }
)
"""Reasons that a person must lift; they give exit code 3."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: ``origin`` tells whether git moved (intent) or the world did (drift)."""

    path: str
    before: Any
    after: Any
    origin: Literal["intent", "drift"] = "intent"
    known: bool = True
    """False when ``after`` is an output of something not built yet: *known after apply*."""
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to one resource (or, for defer, the reason why nothing is done)."""

    verb: Verb
    ref: Ref
    reason: Reason
    target: str = ""
    uid: str = ""
    generation: int = 1
    changes: tuple[FieldChange, ...] = ()
    waits_for: tuple[Ref, ...] = ()
    """Resources with an action of their own in this plan that must be done first."""
    fingerprint: str = ""
    """Digest of the object this action rests on; ``absent`` when it must not be there."""
    spec: Mapping[str, Any] | None = None
    """Desired spec as plain JSON data; None when it is to be taken away."""
    before: Mapping[str, Any] | None = None
    """Observed spec as plain JSON data; None when there is none."""
    edges: tuple[Edge, ...] = ()
    message: str = ""
    blocked: Reason | None = None
    """Set when the action is wanted and may not be done; ``message`` says what would allow it."""
    previous: Ref | None = None
    """The former name, for move."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one reconcile would do. ``digest`` covers all but ``allocations``, and what it rests on."""

    commit: str
    schema: str
    actions: tuple[Action, ...]
    """In an order that respects every reference: creates forwards, deletes backwards."""
    unchanged: int
    """Resources that are as wanted."""
    choices: tuple[Choice, ...] = ()
    unread: int = 0
    """Resources of which nothing is known at present, and to which nothing is done."""
    unreachable: Mapping[str, str] = field(default_factory=dict)
    """Target id -> why it could not be read."""
    strays: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    data: DataAccount | None = None
    """What it means for data; None when it moves none."""
    parts: tuple[Part, ...] = ()
    """What of it needs whose word, where Tenancies speak of it."""
    allocations: tuple[Claim, ...] = ()
    """What it asks of what VOs were granted at sites. The clock moves it, so the digest does not cover it."""
    observed: str = ""
    """Digest over everything observed."""
    playbooks: str = ""
    """Digest over the playbooks that actions may run."""
    desired: str = ""
    """Digest over every desired resource."""
    digest: str = ""

    @property
    def pending(self) -> tuple[Action, ...]:
        """Actions that would change the world or the inventory, blocked ones included."""
        return tuple(a for a in self.actions if a.verb not in (Verb.NOOP, Verb.DEFER))

    @property
    def blocked(self) -> tuple[Action, ...]:
        """Actions that a person must allow first."""
        return tuple(a for a in self.actions if a.blocked in BLOCKS)
