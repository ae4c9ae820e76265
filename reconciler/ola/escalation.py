"""Escalation: which step a ticket stands at, and when the next one comes. Waits are working days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from reconciler.ola.clock import later

DraftRule = Literal["three-misses", "unknown", "core", "sla", "alarm"]
_ANSWER = timedelta(days=5)
"""In which a site answers tickets of ordinary urgency."""
_NEXT = timedelta(days=3)

_THEN: tuple[tuple[str, timedelta | None], ...] = (("second", _NEXT), ("political", None))
STEPS: Mapping[DraftRule, Sequence[tuple[str, timedelta | None]]] = {
    "three-misses": (("explanation", timedelta(days=10)), ("suspension", None)),
    "unknown": (("answer", _ANSWER), *_THEN),
    "core": (("answer", _ANSWER), *_THEN),
    "sla": (("answer", _ANSWER), *_THEN),
    "alarm": (("site", timedelta(hours=24)), ("ticket", _NEXT), *_THEN),
}
"""By rule: the steps, and how long each lasts before the next. An alarm is the site's own for its first day."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a ticket stands."""

    name: str
    since: datetime
    until: datetime | None
    """When the next step comes; None for the last."""
    number: int
    """0 for the first."""


def standing(rule: DraftRule, start: datetime, now: datetime) -> Step:
    """The step at a time. The clock starts with the alarm, or else when the ticket was sent."""
    since, steps = start, STEPS[rule]
    for number, (name, wait) in enumerate(steps):
        until = later(since, wait) if wait is not None else None
        if until is None or now < until:
            return Step(name, since, until, number)
        since = until
    raise AssertionError(rule)  # the last step has no end
