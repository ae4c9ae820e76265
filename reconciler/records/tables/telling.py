"""What others were told: subscribers, and the helpdesk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, json


class NoticeRow(Base, table=True):
    """What a subscriber was told last of a subject, and when; what is as it should be has no row."""

    __tablename__ = "notices"

    subscription: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    state: str
    at: datetime = instant()


class DeliveredRow(Base, table=True):
    """What a web hook of copies or probes was told last of a subject, and how often it was told anything of it."""

    __tablename__ = "delivered"

    subscription: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    state: Any = json()
    number: int


class TicketRow(Base, table=True):
    """A ticket at the helpdesk, or one whose sending was begun."""

    __tablename__ = "tickets"

    key: str = Field(primary_key=True)
    mark: str
    rule: str
    site: str
    title: str
    state: str
    since: datetime = instant()
    begun_at: datetime = instant()
    number: str
    ticket: str
    sent_at: datetime | None = instant(nullable=True)
    looked_at: datetime | None = instant(nullable=True)
    step: str
