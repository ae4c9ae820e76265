"""What probes said, and the availability that follows from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from reconciler.records.tables.base import Base, from_zero, instant, json, serial, words


class ProbeStateRow(Base, table=True):
    """How a probe stands."""

    __tablename__ = "probe_states"

    ref: str = Field(primary_key=True)
    status: str
    hard_status: str
    attempt: int
    since: datetime = instant()
    checked_at: datetime = instant()
    summary: str = words()
    runs: int = from_zero()
    missed: int = from_zero()
    seconds: float = from_zero()
    late: float = from_zero()


class ProbeResultRow(Base, table=True):
    """One result of one probe."""

    __tablename__ = "probe_results"

    ref: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True, index=True)
    status: str
    summary: str = words()
    perfdata: list[Any] = json()
    seconds: float
    attempt: int
    hard: bool
    late: float = from_zero()


class ProbeGapRow(Base, table=True):
    """Runs of a probe that were due and never happened."""

    __tablename__ = "probe_gaps"

    ref: str = Field(primary_key=True)
    first: datetime = instant(primary_key=True)
    last: datetime = instant(index=True)
    count: int


class StatusChangeRow(Base, table=True):
    """A change of a probe's state."""

    __tablename__ = "status_changes"
    __table_args__ = (Index(None, "ref", "at"),)

    id: int | None = serial()
    ref: str
    at: datetime = instant()
    before: str
    after: str
    hard: bool
    summary: str = words()


class UptimeRow(Base, table=True):
    """Availability of one thing of one report on one day."""

    __tablename__ = "uptime"
    __table_args__ = (Index(None, "report", "site", "day"),)

    report: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    level: str = Field(primary_key=True)
    site: str = Field(primary_key=True)
    function: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    hostname: str = Field(primary_key=True)
    ngi: str
    weight: float
    availability: float
    reliability: float
    up: float
    unknown: float
    down: float
    points: list[Any] = json()
    recomputations: list[Any] = json()


class UptimeDayRow(Base, table=True):
    """A day of a report that was computed, and from what."""

    __tablename__ = "uptime_days"

    report: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    basis: str
    commit: str
    complete: bool
    computed_at: datetime = instant()
