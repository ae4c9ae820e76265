"""Account: what a plan means for data: bytes from where to where, copies, room, time and money."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Flow:
    """What is copied from one place to another. Storages are ``SITE/storage``; a URL is told by its host."""

    source: str
    target: str
    files: int
    bytes: int
    seconds: float
    """At the rate of the link, or the one that is assumed where none is stated."""
    cost: float = 0.0
    """Of reading, in the federation's own unit."""


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """One rule: copies are counted, files and bytes are those of its data once."""

    ref: Ref
    data: str
    """``scope:name``."""
    copies: int
    """What it wants."""
    files: int
    bytes: int
    kept: int
    """Whole copies that stand."""
    made: int
    """Copies that the plan makes or mends."""
    released: int
    """Copies that it lets go of and that are taken away."""
    protected: int
    """Copies that it lets go of and that stay, for nothing else holds them."""
    refused: str = ""
    """Why nothing is decided for it."""


@dataclass(frozen=True, slots=True)
class QuotaAccount:
    """What one VO may hold of a storage, in bytes."""

    vo: str
    before: int
    after: int
    most: int | None


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """One storage, in bytes; None where it is not known."""

    storage: str
    comes: int
    goes: int
    used: int
    """By what Hanse sees of its own there, before."""
    free: int | None
    """Before."""
    quotas: tuple[QuotaAccount, ...] = ()

    @property
    def free_after(self) -> int | None:
        """What is left when all is done."""
        return None if self.free is None else self.free - self.comes + self.goes


@dataclass(frozen=True, slots=True)
class DataAccount:
    """What a plan means for data, per rule, per way, per storage, and in all."""

    rules: tuple[RuleAccount, ...] = ()
    flows: tuple[Flow, ...] = ()
    storages: tuple[StorageAccount, ...] = ()
    unreachable: tuple[tuple[Ref, str], ...] = ()
    """Replicas that cannot be made, as nothing of them can be read now, with the reason."""
    last: tuple[tuple[Ref, str], ...] = ()
    """Replicas that would be taken away and hold the last copy."""
    gone_files: int = 0
    """Files to be taken away."""
    gone_bytes: int = 0
    seconds: float = 0.0
    """Until the slowest storage has got all that comes to it."""
    cost: float = 0.0
    """Of reading."""
    monthly: float = 0.0
    """What keeping costs more (or less, when negative) in a month."""

    @property
    def files(self) -> int:
        """Files to be copied."""
        return sum(flow.files for flow in self.flows)

    @property
    def bytes(self) -> int:
        """Bytes to be copied."""
        return sum(flow.bytes for flow in self.flows)
