"""What a kind answers, and what became of an action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.model.amounts import duration, size
from reconciler.model.plan import Action, Plan, Reason
from reconciler.model.ref import Ref
from reconciler.model.spec import Spec
from reconciler.model.stage import Stage


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's part of a ``put`` or ``remove``."""

    ref: Ref
    uid: str
    generation: int
    spec: Spec
    """What is wanted; for remove, what was applied last."""
    before: Spec | None = None
    """What was observed; None when nothing is there."""
    context: Mapping[Ref, Spec] = field(default_factory=dict)
    """Specs of the resources it refers to."""
    handle: str = ""
    """The handle of an earlier ``Started``: this is the same operation, asked again."""
    again: bool = False
    """It is taken away and made anew in the same place: either half of that."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is as wanted. ``outputs`` may be taken by others through valuesFrom."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something has come that moves bytes. What is not known is None."""

    bytes: int
    total_bytes: int | None = None
    bytes_per_second: float = 0.0
    """Over the last seconds."""
    seconds_left: float | None = None
    """Estimated."""
    files: int = 0
    total_files: int | None = None

    def __str__(self) -> str:
        """``1.2 GB of 3.0 GB, 45.0 MB/s, done in 40 s``; before it the files, where there are many."""
        files = f"{self.files:,} of {self.total_files:,} files, " if (self.total_files or 0) > 1 else ""
        moved = f"{size(self.bytes)} of {size(self.total_bytes)}" if self.total_bytes else size(self.bytes)
        rate = f", {size(self.bytes_per_second)}/s" if self.bytes_per_second >= 1 else ""
        left = "" if self.seconds_left is None else f", done in {duration(self.seconds_left)}"
        return f"{files}{moved}{rate}{left}"


@dataclass(frozen=True, slots=True)
class Started:
    """It is under way: ask again after ``look_again_in`` seconds, give up ``deadline`` seconds after the start."""

    handle: str
    look_again_in: float = 1.0
    deadline: float = 1800.0
    message: str = ""
    stages: tuple[Stage, ...] = ()
    """How far it has come."""
    progress: Progress | None = None
    """Likewise, of what moves bytes."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work.

    ``fate`` says what follows: transient is tried again, terminal waits for a person, conflict is observed anew,
    unknown may or may not have happened.
    """

    fate: Literal["transient", "terminal", "conflict", "unknown"]
    message: str
    retry_after: float | None = None
    reason: Reason | None = None
    stages: tuple[Stage, ...] = ()


Answer = Done | Started | Failed


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the journal: what is about to be done. Committed before the call that does it."""

    id: str
    run: str
    action: Action
    handle: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action."""

    action: Action
    state: Literal["done", "failed", "unknown", "deferred"]
    reason: Reason | None = None
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    blocker: Ref | None = None
    seconds: float = 0.0
    attempts: int = 1
    operation: str = ""
    """Journal id; "" when nothing was attempted."""
    stages: tuple[Stage, ...] = ()
    """How far it came, where that was told."""

    @property
    def unread(self) -> bool:
        """It was put off because what it rests on could not be read."""
        return self.state == "deferred" and self.reason in _UNREAD


_UNREAD = (Reason.TARGET_UNREACHABLE, Reason.OBSERVATION_FAILED, Reason.NO_PLACE)


def went_wrong(plan: Plan, outcomes: Iterable[Outcome]) -> bool:
    """Whether something failed, or could not be looked at."""
    return bool(plan.unreachable) or any(o.state in ("failed", "unknown") or o.unread for o in outcomes)
