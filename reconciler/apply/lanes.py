"""Lanes: what keeps one target from being overrun, and one sick target from slowing the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Breaker = Literal["closed", "half open", "open"]
"""How a target stands: worked as hard as it may be, felt for with one call at a time, or left alone."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a target may be worked and how patiently it is asked again. Times in seconds."""

    concurrency: int = 4
    """Calls under way at once on one target."""
    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 60.0
    breaker: int = 8
    """Transient failures in a row after which a target is left alone for the rest of the run."""


@dataclass
class Lanes:
    """The targets' state during one apply. ``jitter`` returns numbers in 0..1."""

    pace: Pace
    jitter: Callable[[], float]
    running: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    not_before: dict[str, float] = field(default_factory=dict)
    told: Callable[[str, Breaker], None] = lambda _target, _state: None
    """Who is told when the breaker of a target changes."""

    def free(self, target: str, now: float) -> bool:
        """Whether another call may go to the target."""
        return self.running[target] < self._limit(target) and self.not_before.get(target, 0.0) <= now

    def broken(self, target: str) -> bool:
        """Whether the target failed so often in a row that the rest is left for the next run."""
        return self.failures[target] >= self.pace.breaker

    def succeeded(self, target: str) -> None:
        """An answer came: the target lives."""
        if self.failures[target]:
            self.told(target, "closed")
        self.failures[target] = 0

    def failed(self, target: str, attempts: int, retry_after: float | None, now: float) -> float:
        """Count a transient failure; returns the clock reading at which to try again."""
        self.failures[target] += 1
        self.told(target, "open" if self.broken(target) else "half open")
        delay = min(self.pace.longest_delay, self.pace.first_delay * 2.0 ** (attempts - 1))
        delay = max(retry_after or 0.0, delay * (0.5 + self.jitter() / 2))
        self.not_before[target] = max(self.not_before.get(target, 0.0), now + (retry_after or 0.0))
        return now + delay

    def _limit(self, target: str) -> int:
        """After failures one call at a time feels its way (half open)."""
        return 1 if self.failures[target] else self.pace.concurrency
