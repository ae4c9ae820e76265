"""TicketRecord: a ticket at the helpdesk, as Hanse remembers having sent it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SENDING = "sending"
"""Its sending was begun, and no answer is known: it is looked for before it is sent again."""
CLOSED = frozenset({"closed", "merged", "removed"})
"""States in which nobody works on a ticket any more."""


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """One ticket. ``key`` names what it is about; ``mark`` stands in its title, so that it is found by it."""

    key: str
    mark: str
    rule: str
    site: str
    title: str
    state: str
    """The helpdesk's word; ``sending`` until it has answered."""
    since: datetime
    """When its clock starts: with an alarm, or when its sending was begun."""
    begun_at: datetime
    """When its sending was begun last."""
    number: str = ""
    """What people call it."""
    ticket: str = ""
    """What the helpdesk's interface calls it."""
    sent_at: datetime | None = None
    looked_at: datetime | None = None
    step: str = ""
    """The last step of its escalation that was told there."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still works on it, as far as is known."""
        return self.state not in CLOSED
