"""The journal port: what apply/ writes down before it touches anything. records/ keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model import Operation, Outcome, Started


class Journal(Protocol):
    """Durable: when a method returns, what it was given survives ``kill -9`` and a power cut."""

    def intend(self, operations: Sequence[Operation]) -> None:
        """Write down that these are about to be done, in one transaction, before any of them is."""
        ...

    def started(self, operations: Sequence[tuple[Operation, Started]]) -> None:
        """Write down the handles of operations that take a while."""
        ...

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what became of them, and bring the inventory up to date in the same transaction."""
        ...
