"""People: who may come in, what they agreed to, and what they hold back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, json, partial, serial, words


class ApiTokenRow(Base, table=True):
    """Who may come in over HTTP; of what they show, only the digest is kept."""

    __tablename__ = "api_tokens"

    name: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    may: list[Any] = json()
    by: str
    since: datetime = instant()
    until: datetime | None = instant(nullable=True)
    revoked_at: datetime | None = instant(nullable=True)


class SessionRow(Base, table=True):
    """Somebody who is logged in on the pages; of what a browser shows, only the digest is kept."""

    __tablename__ = "sessions"

    digest: str = Field(primary_key=True)
    issuer: str
    identity: str
    name: str
    entitlements: list[Any] = json()
    since: datetime = instant()
    seen_at: datetime = instant()
    until: datetime = instant()


class LoginRow(Base, table=True):
    """A login that was begun."""

    __tablename__ = "logins"

    digest: str = Field(primary_key=True)
    issuer: str
    redirect: str
    next: str
    until: datetime = instant()


class ConsentRow(Base, table=True):
    """Who agreed to which part of which plan."""

    __tablename__ = "consents"

    id: int | None = serial()
    plan: str = Field(index=True)
    part: str
    changes: list[Any] = json()
    name: str
    proof: str
    identity: str
    issuer: str
    entitlements: list[Any] = json()
    reason: str = words()
    given_at: datetime = instant()
    expires: datetime | None = instant(nullable=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    withdrawn_by: str


class PermitRow(Base, table=True):
    """An approval that was used."""

    __tablename__ = "approvals"

    run: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    approval: str = Field(index=True)
    verb: str
    by: str
    reason: str = words()
    at: datetime = instant()


class PauseRow(Base, table=True):
    """Something held, or held once: ``ended_at`` is set when it goes on."""

    __tablename__ = "pauses"
    __table_args__ = (partial("ix_pauses_active", "scope", where="ended_at IS NULL", unique=True),)

    id: int | None = serial()
    scope: str
    reason: str = words()
    by: str
    since: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
    ended_by: str | None
