"""What came from git: branches, what is accepted of them, and web hooks that told of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, words


class HeadRow(Base, table=True):
    """A branch: the commit that is in force, the one that is not and why, and what a person has acknowledged."""

    __tablename__ = "heads"

    branch: str = Field(primary_key=True)
    commit: str
    since: datetime | None = instant(nullable=True)
    verified: bool
    withheld: str
    why: str = words()
    withheld_since: datetime | None = instant(nullable=True)
    acknowledged: str
    acknowledged_by: str
    acknowledged_reason: str = words()
    acknowledged_at: datetime | None = instant(nullable=True)


class AcceptanceRow(Base, table=True):
    """As of which commit a branch counts; of ``ref``, where that is a later one than of all else ("")."""

    __tablename__ = "acceptances"

    branch: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    commit: str
    at: datetime = instant()


class DeliveryRow(Base, table=True):
    """A web hook that came in: the same does not count again."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_hook_at", "hook", "at"),)

    hook: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    at: datetime = instant()
