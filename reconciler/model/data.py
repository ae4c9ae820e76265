"""How data stands: replicas, rules, their locks, and what scans of storages have found, as the records tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.ref import Ref


class ReplicaState(StrEnum):
    """How a replica stands."""

    AVAILABLE = "AVAILABLE"
    """Everything wanted is there and right."""
    COPYING = "COPYING"
    UNAVAILABLE = "UNAVAILABLE"
    """Something is missing, and could not be brought in."""
    BAD = "BAD"
    """A file is there with another content."""
    TEMPORARY_UNAVAILABLE = "TEMPORARY_UNAVAILABLE"
    """Its storage cannot be read at present."""
    BEING_DELETED = "BEING_DELETED"


class RuleState(StrEnum):
    """How a rule stands."""

    PLANNED = "PLANNED"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    REPLICATING = "REPLICATING"
    OK = "OK"
    STUCK = "STUCK"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True)
class ReplicaRecord:
    """One replica on one storage."""

    ref: Ref
    storage: str
    """``site/storage``."""
    dataset: str
    uid: str
    state: ReplicaState
    files: int
    bytes: int
    """Of what is there."""
    origin: bool
    vo: str
    since: datetime
    tombstone: datetime | None = None
    """Since when no rule holds it; None while one does."""
    accessed: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule, with the counts of its locks."""

    ref: Ref
    dataset: str
    state: RuleState
    message: str
    since: datetime
    ok: int
    replicating: int
    stuck: int
    bytes: int
    """Of the files that it holds, each as often as it holds it."""
    failing_seconds: int
    """Time in which it was stuck, added up since git changed it last."""
    vo: str
    owner: str


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One rule on one replica."""

    rule: Ref
    vo: str
    owner: str
    replica: Ref
    storage: str
    dataset: str
    files: int
    bytes: int
    """Of the files that it holds there, whether they have come or not."""


@dataclass(frozen=True, slots=True)
class LockRecord:
    """One file that one rule holds on one storage."""

    rule: Ref
    storage: str
    path: str
    size: int
    state: str
    since: datetime
    tries: int
    error: str
    next_try: datetime | None


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """The last full listing of a storage, beside the catalogue."""

    storage: str
    at: datetime
    files: int
    expected: int
    missing: int
    first_missing: str
    dark: int
    dark_bytes: int


@dataclass(frozen=True, slots=True)
class DarkRecord:
    """A dark file."""

    storage: str
    path: str
    size: int
    uid: str
    first_seen: datetime
    last_seen: datetime
