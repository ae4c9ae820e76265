"""The helpdesk port: tickets are found by a mark in their title, made, looked at and told more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the helpdesk has it."""

    id: str
    number: str
    title: str
    state: str
    """Its own word: ``new``, ``open``, ``pending reminder``, ``closed``, ``merged``."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What a ticket is made of."""

    title: str
    body: str
    group: str
    customer: str
    priority: str
    mark: str
    """Stands in the title, and in the field that is kept for it, if there is one."""


class Helpdesk(Protocol):
    """Raises Transient and Terminal, and OutcomeUnknown where a ticket may have been made."""

    def find(self, mark: str) -> Ticket | None:
        """The ticket with this mark; of several the first that was made."""
        ...

    def create(self, ticket: NewTicket) -> Ticket:
        """Make it. It is not looked whether there is one already."""
        ...

    def look(self, ticket: str) -> Ticket | None:
        """A ticket by its id; None when there is none any more."""
        ...

    def tell(self, ticket: str, subject: str, body: str) -> None:
        """Add an article to it, unless one with this subject is there."""
        ...
