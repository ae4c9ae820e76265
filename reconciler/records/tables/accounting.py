"""What was used, and the machines that it was read from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from reconciler.records.tables.base import Base, from_nothing, instant


class UsageRow(Base, table=True):
    """What one thing used in one month."""

    __tablename__ = "usage_records"
    __table_args__ = (Index(None, "month", "site", "vo"),)

    month: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    ref: str = Field(index=True)
    vo: str
    site: str
    cloud: str
    kind: str
    start: datetime = instant()
    end: datetime | None = instant(nullable=True)
    status: str
    wall_seconds: int = Field(sa_type=BigInteger)
    cpu_seconds: int = Field(sa_type=BigInteger)
    cpu_count: int
    memory_mib: int = Field(sa_type=BigInteger)
    disk_gib: int = Field(sa_type=BigInteger)
    image: str
    name: str
    user: str
    suspend_seconds: int = Field(sa_type=BigInteger)
    total_wall_seconds: int = Field(sa_type=BigInteger)
    total_cpu_seconds: int = Field(sa_type=BigInteger)
    total_suspend_seconds: int = Field(sa_type=BigInteger)
    gpus: int
    public_ips: int
    nodes: int
    benchmark_type: str
    benchmark: float
    partial: bool
    user_name: str = from_nothing()
    received_bytes: int | None = Field(sa_type=BigInteger)
    sent_bytes: int | None = Field(sa_type=BigInteger)
    total_received_bytes: int | None = Field(sa_type=BigInteger)
    total_sent_bytes: int | None = Field(sa_type=BigInteger)


class MachineSpanRow(Base, table=True):
    """A time in which a machine was seen to stand unchanged."""

    __tablename__ = "machine_spans"

    target: str = Field(primary_key=True)
    node: str = Field(primary_key=True)
    since: datetime = instant(primary_key=True)
    until: datetime = instant(index=True)
    current: bool = Field(index=True)
    state: str
    ref: str
    site: str
    cloud: str
    vo: str
    name: str
    flavour: str
    image: str
    cpus: int
    memory_mib: int = Field(sa_type=BigInteger)
    disk_gib: int = Field(sa_type=BigInteger)
    gpus: int
    public_ips: int
    user: str = from_nothing()
    user_name: str = from_nothing()


class MachineTrafficRow(Base, table=True):
    """Bytes that a machine carried in a month, and what its counters showed when they were read last."""

    __tablename__ = "machine_traffic"

    target: str = Field(primary_key=True)
    node: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    received: int = Field(sa_type=BigInteger)
    sent: int = Field(sa_type=BigInteger)
    counter_received: int = Field(sa_type=BigInteger)
    counter_sent: int = Field(sa_type=BigInteger)
    seen: datetime = instant()
