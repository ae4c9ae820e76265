"""Claim: what a plan asks of an amount that a VO was granted at a site, or that the site lets be taken."""

from __future__ import annotations

from dataclasses import dataclass

CORE_HOURS = "core_hours"


@dataclass(frozen=True, slots=True)
class Claim:
    """One amount of one VO at one site, before and after a plan that changes it."""

    site: str
    vo: str
    """Empty: of all VOs together."""
    what: str
    """A name of ``Amounts``, in its unit, or ``core_hours``."""
    granted: int | None
    """By the allocation in force; None: it does not state it."""
    limit: int | None
    """By the site's own manifest."""
    used: float
    """Now; of core hours so far, by the usage records."""
    asked: float
    """By the plan, what is blocked included."""
    freed: float = 0
    """By what is not blocked. It makes no room within the same plan."""
    blocked: float = 0
    """How much of what is asked."""
    forecast: float | None = None
    """Core hours that what stands takes until ``until``."""
    until: str = ""
    """The last day of what was granted, YYYY-MM-DD; empty: no end."""

    @property
    def after(self) -> float:
        """When all is done, what is blocked included."""
        return self.used + (self.forecast or 0) + self.asked - self.freed

    @property
    def over(self) -> float:
        """How much is too many, reckoned as it is when actions are blocked; 0: none."""
        stated = [amount for amount in (self.granted, self.limit) if amount is not None]
        return max(0, self.after + (self.freed if self.asked else 0) - min(stated)) if stated else 0
