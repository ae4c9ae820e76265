"""What a run has to tell of data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model import Ref
from reconciler.model.data import ReplicaState, RuleState
from reconciler.ports import Files, Scan
from reconciler.records.locks import Bad


@dataclass(frozen=True)
class ReplicaStanding:
    """How one replica stands after a run."""

    ref: Ref
    uid: str
    storage: str
    dataset: str
    state: ReplicaState
    wanted: str
    """Digest of what is wanted there."""
    seen: str
    """Digest of what is there."""
    files: int
    bytes: int
    """Of what is there."""
    shares: Mapping[Ref, Files] = field(default_factory=dict)
    """Which of its files each rule holds."""
    bad: Mapping[str, Bad] = field(default_factory=dict)
    """What is not OK of them, by path."""
    origin: bool = False
    vo: str = ""
    tried: str | None = None
    """Digest of what was tried in this run, in vain; None: nothing was."""
    accessed: datetime | None = None


@dataclass(frozen=True)
class RuleStanding:
    """What git says of one rule, and how far it has come besides its locks."""

    ref: Ref
    dataset: str
    source: str
    """Digest of what git says: another one makes a new beginning."""
    vo: str = ""
    owner: str = ""
    state: RuleState | None = None
    """PLANNED or WAITING_APPROVAL; None where its locks say how it stands."""
    message: str = ""


@dataclass(frozen=True)
class Settling:
    """Everything that one run has to tell of data."""

    replicas: Sequence[ReplicaStanding] = ()
    rules: Sequence[RuleStanding] = ()
    gone_replicas: Collection[Ref] = ()
    gone_rules: Collection[Ref] = ()
    scans: Sequence[Scan] = ()
    unread: Collection[str] = ()
    """Storages that could not be read."""
    reads: Collection[tuple[str, str]] = ()
    """(dataset, storage) of copies that were read."""
