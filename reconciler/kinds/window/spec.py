"""What a window is: when it is open, for what, and why."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reconciler.kinds.approval.spec import Patterns
from reconciler.kinds.window.times import Times, schedule, zone
from reconciler.model import Spec, Strict


class WindowScope(Strict):
    """What it is about. Patterns of one list are alternatives; every list that is given must match."""

    actions: Annotated[tuple[Literal["create", "update", "replace", "delete"], ...], Field(min_length=1)] | None = None
    kinds: Patterns | None = None
    namespaces: Patterns | None = None
    targets: Patterns | None = None
    """Target ids: ``compute:TIDE-CLOUD/*``."""
    resources: Patterns | None = None
    """References: ``VirtualCluster/tides/*``."""


class WindowSpec(Spec):
    """Times in which something may be changed (``allow``), or may not (``deny``).

    Where windows of both types speak of the same, ``deny`` wins. Of several ``allow`` one that is open is enough.
    """

    type: Literal["allow", "deny"]
    schedule: Annotated[str, AfterValidator(schedule)]
    """When it opens, as cron says it: minute, hour, day of the month, month, day of the week (``0 22 * * 1-5``)."""
    minutes: Annotated[int, Field(ge=1, le=44_640)]
    """How long it is open each time; at most 31 days."""
    timezone: Annotated[str, AfterValidator(zone)] = "UTC"
    """Where the clock of the schedule hangs: ``Europe/Berlin``."""
    scope: WindowScope = WindowScope()
    """What may be changed then; without anything: all."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """Why, for those whose changes wait."""

    @property
    def times(self) -> Times:
        """When it is open."""
        return Times(self.schedule, self.minutes, self.timezone)

    @model_validator(mode="after")
    def _closes(self) -> Self:
        given: tuple[object, ...] = (self.schedule, self.minutes, self.timezone)
        if None in given:  # one of them is faulty, and the rest of the manifest is looked at
            return self
        if self.times.ceaseless:
            message = f"it opens again within the {self.minutes} minutes for which it is open: it would never close"
            raise ValueError(message)
        return self
