"""The tables of data: files behind digests, replicas, rules, their locks, and what scans of storages have found.

A lock is one file of one replica that one rule holds. There may be millions, so they name rule and replica by number.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, SmallInteger
from sqlmodel import Field

from reconciler.records.tables.base import Base, instant, json, partial, serial, words


class LockState(IntEnum):
    """How one file of one rule stands, as it is kept."""

    OK = 0
    REPLICATING = 1
    STUCK = 2


class FilesetRow(Base, table=True):
    """What a digest stands for: the blocks of files that it consists of, in order."""

    __tablename__ = "filesets"

    digest: str = Field(primary_key=True)
    files: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    blocks: list[Any] = json()
    urls: Any = Field(default=None, sa_type=LargeBinary, nullable=True)


class BlockRow(Base, table=True):
    """Some thousand files, as columns, packed; filesets that differ little have most blocks in common."""

    __tablename__ = "fileset_blocks"

    digest: str = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


class ReplicaRow(Base, table=True):
    """One replica on one storage."""

    __tablename__ = "replicas"

    id: int | None = serial()
    ref: str = Field(unique=True)
    storage: str = Field(index=True)
    dataset: str = Field(index=True)
    uid: str
    state: str
    wanted: str
    seen: str
    tried: str
    files: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    origin: bool
    vo: str
    since: datetime = instant()
    tombstone: datetime | None = instant(default=None, nullable=True)
    accessed: datetime | None = instant(default=None, nullable=True)


class DataRuleRow(Base, table=True):
    """One DatasetRule: its state and the counts of its locks."""

    __tablename__ = "data_rules"

    id: int | None = serial()
    ref: str = Field(unique=True)
    dataset: str = Field(index=True)
    state: str
    message: str = words()
    since: datetime = instant()
    source: str
    ok: int = Field(sa_type=BigInteger)
    replicating: int = Field(sa_type=BigInteger)
    stuck: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    failing_seconds: int = Field(sa_type=BigInteger)
    judged_at: datetime = instant()
    vo: str
    owner: str


class HoldRow(Base, table=True):
    """One rule on one replica: what its locks were made from, and what they add up to."""

    __tablename__ = "holds"

    rule: int = Field(primary_key=True, sa_type=BigInteger)
    replica: int = Field(primary_key=True, sa_type=BigInteger, index=True)
    share: str
    basis: str
    ok: int = Field(sa_type=BigInteger)
    replicating: int = Field(sa_type=BigInteger)
    stuck: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)


class LockRow(Base, table=True):
    """One file that one rule holds on one replica."""

    __tablename__ = "locks"
    __table_args__ = (
        partial("ix_locks_open", "replica", "rule", where="state > 0"),
        {"sqlite_with_rowid": False},
    )

    rule: int = Field(primary_key=True, sa_type=BigInteger)
    replica: int = Field(primary_key=True, sa_type=BigInteger)
    path: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    state: int = Field(sa_type=SmallInteger)
    since: datetime = instant()
    tries: int
    error: str = words()
    next_try: datetime | None = instant(default=None, nullable=True)


class ScanRow(Base, table=True):
    """The last full listing of a storage, beside the catalogue."""

    __tablename__ = "scans"

    target: str = Field(primary_key=True)
    at: datetime = instant()
    files: int = Field(sa_type=BigInteger)
    expected: int = Field(sa_type=BigInteger)
    missing: int = Field(sa_type=BigInteger)
    first_missing: str
    dark: int = Field(sa_type=BigInteger)
    dark_bytes: int = Field(sa_type=BigInteger)


class DarkRow(Base, table=True):
    """A dark file, from the scan that saw it first to the one that saw it last."""

    __tablename__ = "dark_files"

    target: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    uid: str
    first_seen: datetime = instant()
    last_seen: datetime = instant()
