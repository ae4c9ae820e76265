"""The rules port: a system that keeps replication rules and places data by itself. Fits Rucio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

RuleState = Literal["OK", "REPLICATING", "STUCK", "SUSPENDED", "WAITING_APPROVAL", "INJECT"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rule asks for, in the terms that both sides have."""

    scope: str
    name: str
    expression: str
    copies: int = 1
    grouping: Literal["NONE", "DATASET", "ALL"] = "DATASET"
    weight: str = ""
    expires: datetime | None = None
    """UTC."""
    source_expression: str = ""
    activity: str = ""
    purge: bool = False
    locked: bool = False
    priority: int = 3


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule as the system shows it."""

    id: str
    wish: Wish
    state: RuleState
    account: str = ""
    error: str = ""
    uid: str = ""
    """Our ownership mark; "" when it has none."""
    going: bool = False
    """It was ours, and goes: at once, or when another that takes its place is OK."""
    ok: int = 0
    """Files that are where they should be; with those under way and those that do not come, all of them."""
    replicating: int = 0
    stuck: int = 0


@dataclass(frozen=True, slots=True)
class KeptStorage:
    """A storage as the system knows it."""

    name: str
    attributes: Mapping[str, Any]
    tape: bool = False
    readable: bool = True
    writable: bool = True
    deletable: bool = True
    url: str = ""
    """Where its files are found, of the first protocol."""
    max_bytes: int | None = None
    min_free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class KeptReplica:
    """One file, with the state of each of its copies."""

    scope: str
    name: str
    size: int
    """Bytes."""
    checksum: str = ""
    """``adler32:...``; "" when not known."""
    states: Mapping[str, str] = field(default_factory=dict)
    """Storage -> ``AVAILABLE``, ``COPYING``, ``BAD`` ..."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """Storage -> where the copy is read."""


class RuleKeeper(Protocol):
    """One installation, as one account."""

    def rules(self) -> Sequence[KeptRule]:
        """Every rule of the account, in one call."""
        ...

    def add(self, wish: Wish, uid: str) -> str:
        """Make a rule with our mark, and return its id; one that is there already for the same is returned.

        Raises Terminal when it is refused (``reason=QUOTA_EXCEEDED`` where there is no room), OutcomeUnknown when the
        answer is lost: then look for the mark.
        """
        ...

    def change(self, rule_id: str, wish: Wish, uid: str) -> None:
        """Bring lifetime, source expression, activity, priority and lock to ``wish``, and put our mark on it.

        The rest cannot be changed.
        """
        ...

    def replace(self, rule_id: str, by: str) -> None:
        """Let a rule go once the rule ``by`` is OK."""
        ...

    def remove(self, rule_id: str) -> None:
        """Take a rule away; one that is gone already is fine. What it held is the system's to keep or delete."""
        ...

    def places(self, expression: str) -> frozenset[str]:
        """Names of the storages that an expression describes. Raises Terminal when it is none."""
        ...

    def storages(self) -> Sequence[KeptStorage]:
        """Every storage, in the order of their names."""
        ...

    def replicas(self, scope: str, name: str) -> Sequence[KeptReplica]:
        """The files of a dataset, in the order of their names, with every copy."""
        ...
