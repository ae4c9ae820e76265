"""Condition and Report: how things stand, computed in records/ alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.ref import Ref


class ConditionType(StrEnum):
    """The six conditions every resource has, then those of what is built in steps (``Stage``)."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    HEALTHY = "Healthy"
    IN_SYNC = "InSync"
    PROTECTED = "Protected"
    NODES = "Nodes"
    REACHABLE = "Reachable"
    CONFIGURED = "Configured"


@dataclass(frozen=True, slots=True)
class Condition:
    """``status`` with a machine's ``reason`` and a person's ``message``; ``since`` moves only when status does."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    since: datetime | None = None
    observed_generation: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What one reconcile did."""

    run: str
    plan: Plan
    outcomes: tuple[Outcome, ...]
    conditions: Mapping[Ref, tuple[Condition, ...]]
    """Only of resources whose conditions this run touched."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Outcomes that need attention."""
        return tuple(o for o in self.outcomes if o.state in ("failed", "unknown"))
