"""What Hanse holds, and how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, json, partial, words


class InventoryRow(Base, table=True):
    """What Hanse has made and still holds: the light columns, compared as a whole in every run."""

    __tablename__ = "inventory"

    ref: str = Field(primary_key=True)
    uid: str = Field(unique=True)
    generation: int
    digest: str
    observed_digest: str
    target: str = Field(index=True)
    meta_digest: str
    source: str


class DetailsRow(Base, table=True):
    """The heavy part of an inventory row, in a table of its own so that a scan of the light one stays short."""

    __tablename__ = "inventory_details"
    __table_args__ = (partial("ix_inventory_details_choosing", "ref", where="choices IS NOT NULL"),)

    ref: str = Field(
        primary_key=True, sa_column_args=[ForeignKey("inventory.ref", onupdate="CASCADE", ondelete="CASCADE")]
    )
    content: bytes = Field(sa_type=LargeBinary)
    edges: list[Any] = json()
    outputs: dict[str, Any] = json()
    lifecycle: dict[str, Any] = json()
    options: dict[str, Any] = json()
    driver: str
    choices: dict[str, Any] | None = json()
    owner: str | None
    commit: str
    file: str
    changed_at: datetime = instant()


class ConditionRow(Base, table=True):
    """One condition of one resource. ``at_rest`` is false for resources that every run must look at again."""

    __tablename__ = "conditions"
    __table_args__ = (partial("ix_conditions_moving", "ref", where="NOT at_rest"),)

    ref: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    status: str
    reason: str
    message: str = words()
    since: datetime = instant()
    observed_generation: int
    at_rest: bool


class TargetRow(Base, table=True):
    """How the last read of a target went."""

    __tablename__ = "targets"

    target: str = Field(primary_key=True)
    token: str
    digest: str
    complete: bool
    reachable: bool
    reason: str = words()
    observed_at: datetime | None = instant(nullable=True)
    since: datetime = instant()
