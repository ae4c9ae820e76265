"""Tickets as they are remembered: begun before they are sent, and kept as they stand, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.model.ticket import SENDING, TicketRecord

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
DRAFT = TicketRecord("NORTH/core/2026-10", "hanse0123", "core", "NORTH", "NORTH: a title", "", START, START)


def test_a_ticket_is_begun_before_it_is_sent_and_then_kept_as_it_stands(store):
    begun = store.tickets.begin(DRAFT)
    assert (begun.state, begun.ticket, begun.is_open) == (SENDING, "", True)
    sent = store.tickets.keep(replace(begun, state="new", ticket="7", number="26007", sent_at=START))
    assert store.tickets.known(DRAFT.key) == sent
    closed = store.tickets.keep(replace(sent, state="closed", looked_at=START + timedelta(days=2)))
    assert store.tickets.list() == (closed,)
    assert not closed.is_open


def test_what_was_never_begun_is_not_known(store):
    store.tickets.begin(DRAFT)
    assert store.tickets.known("SOUTH/core/2026-10") is None
