"""Tickets sent once: looked for before they are made, also after a crash between the call and its record.

What is about to be made is kept before it is made. Where that is all that is known, the ticket is looked for by its
mark; one that is not found is made again only when the first call can be under way no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model.ticket import TicketRecord
from reconciler.ola.drafts import Draft
from reconciler.ola.escalation import DraftRule, Step, standing
from reconciler.ports.helpdesk import Helpdesk, NewTicket, Ticket
from reconciler.records.tickets import Tickets

SETTLING = timedelta(minutes=2)
"""A call that was not answered can be under way for so long."""
_TOLD = frozenset({"second", "political", "suspension"})
"""Steps that are told in the ticket when they come."""
_SAID = {
    "second": "There was no answer in time: this is the second escalation.",
    "political": "There was no answer to the second escalation either: this now goes to the NGI's management.",
    "suspension": "There was no satisfactory answer within 10 working days: the site is eligible for suspension.",
}


@dataclass(frozen=True)
class Desk:
    """A helpdesk, and how tickets are addressed there."""

    helpdesk: Helpdesk
    customer: str
    group: str
    groups: Mapping[str, str] = field(default_factory=dict)
    """By NGI."""
    priorities: Mapping[str, str] = field(default_factory=dict)

    def addressed(self, draft: Draft) -> NewTicket:
        """What is sent."""
        return NewTicket(
            title=draft.full_title,
            body=draft.body,
            group=self.groups.get(draft.ngi, self.group),
            customer=self.customer,
            priority=self.priorities.get(draft.priority, draft.priority),
            mark=draft.mark,
        )


def send(tickets: Tickets, desk: Desk, draft: Draft, clock: Callable[[], datetime]) -> TicketRecord:
    """See that there is one ticket for a draft. Raises DriverError; OutcomeUnknown where only waiting helps."""
    known = tickets.known(draft.key)
    if known is not None and known.ticket:
        return known
    found = desk.helpdesk.find(draft.mark)
    if found is None:
        if known is not None and clock() - known.begun_at < SETTLING:
            raise OutcomeUnknown(f"{draft.key}: its sending was begun, and it is not there yet: try again in 2 minutes")
        known = tickets.begin(_record(draft, clock()))
        found = _made(tickets, desk, draft)
    return tickets.keep(_sent(known or _record(draft, clock()), found, clock()))


def _made(tickets: Tickets, desk: Desk, draft: Draft) -> Ticket:
    try:
        return desk.helpdesk.create(desk.addressed(draft))
    except (Terminal, Transient):  # refused, or never reached: there is none
        tickets.forget(draft.key)
        raise


def _record(draft: Draft, now: datetime) -> TicketRecord:
    since = draft.since if draft.rule == "alarm" else now
    return TicketRecord(draft.key, draft.mark, draft.rule, draft.site, draft.full_title, "", since, now)


def _sent(record: TicketRecord, found: Ticket, now: datetime) -> TicketRecord:
    return replace(record, state=found.state, number=found.number, ticket=found.id, sent_at=now, looked_at=now)


def look(tickets: Tickets, helpdesk: Helpdesk, record: TicketRecord, now: datetime) -> TicketRecord:
    """Ask how a ticket stands, and keep it. One that is not there any more is ``removed``."""
    found = helpdesk.look(record.ticket)
    return tickets.keep(replace(record, state=found.state if found else "removed", looked_at=now))


def step_of(record: TicketRecord, now: datetime) -> Step:
    """Where a ticket stands."""
    rule: DraftRule = record.rule  # type: ignore[assignment]
    return standing(rule, record.since, now)


def escalate(tickets: Tickets, helpdesk: Helpdesk, record: TicketRecord, now: datetime) -> str:
    """Tell in an open ticket that its next step has come, once; returns the step, "" where there is nothing to tell."""
    step = step_of(record, now).name
    if not record.is_open or step not in _TOLD or step == record.step:
        return ""
    helpdesk.tell(record.ticket, f"{record.mark}: {step}", _SAID[step])
    tickets.keep(replace(record, step=step))
    return step
