"""Runs: who may work, the journal, and what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, json, partial, serial, words


class LeaseRow(Base, table=True):
    """Who may work. The row stays after a release, so that its token only grows."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    token: int = Field(sa_type=BigInteger)
    since: datetime = instant()
    expires: datetime = instant()


class RunRow(Base, table=True):
    """One reconcile."""

    __tablename__ = "runs"

    id: str = Field(primary_key=True)
    kind: str
    state: str
    commit: str
    plan_digest: str
    who: str
    started_at: datetime = instant(index=True)
    finished_at: datetime | None = instant(nullable=True)
    counts: dict[str, int] = json()


class OperationRow(Base, table=True):
    """The journal: written before a call is made, settled after it."""

    __tablename__ = "operations"
    __table_args__ = (partial("ix_operations_open", "ref", where="state IN ('intended', 'started', 'unknown')"),)

    id: str = Field(primary_key=True)
    run: str = Field(foreign_key="runs.id", index=True)
    ref: str
    verb: str
    reason: str
    uid: str
    generation: int
    state: str
    attempt: int
    target: str
    driver: str
    options: dict[str, Any] = json()
    content: bytes = Field(sa_type=LargeBinary)
    edges: list[Any] = json()
    previous: str | None
    handle: str
    message: str = words()
    progress: dict[str, Any] | None = json()
    before_hash: str
    after_hash: str
    who: str
    commit: str
    plan_digest: str
    intended_at: datetime = instant()
    started_at: datetime | None = instant(nullable=True)
    deadline: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)


class EventRow(Base, table=True):
    """One change, done or attempted. Never updated."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "ref", "id"),)

    id: int | None = serial()
    at: datetime = instant(index=True)
    run: str = Field(index=True)
    ref: str
    verb: str
    state: str
    reason: str
    message: str = words()
    target: str
    uid: str
    generation: int
    before_hash: str
    after_hash: str
    who: str
    commit: str
    plan_digest: str
    operation: str
    seconds: float
