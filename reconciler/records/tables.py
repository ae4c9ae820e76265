"""The tables, as SQLModel classes. They say what the schema is; reading and writing is done in Core, for speed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlmodel import Field, SQLModel

from reconciler.records.columns import Instant, Json, Said

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """Base of every table; constraints have names, so that a migration can speak of them."""

    metadata = MetaData(naming_convention=_NAMES)


def _instant(**kwargs: Any) -> Any:
    return Field(sa_type=Instant, **kwargs)


def _json() -> Any:
    return Field(sa_type=Json)


def _said() -> Any:
    return Field(default="", sa_type=Said, nullable=False)


def _from_zero() -> Any:
    """A number in a column that came later: 0 in the rows that were there."""
    return Field(default=0, sa_column_kwargs={"server_default": text("0")})


def _from_nothing() -> Any:
    """A word in a column that came later: "" in the rows that were there."""
    return Field(default="", sa_column_kwargs={"server_default": text("''")})


def _serial() -> Any:
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Field(default=None, primary_key=True, sa_type=kind, sa_column_kwargs={"autoincrement": True})


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
    __table_args__ = (
        Index(
            "ix_inventory_details_choosing",
            "ref",
            sqlite_where=text("choices IS NOT NULL"),
            postgresql_where=text("choices IS NOT NULL"),
        ),
    )

    ref: str = Field(
        primary_key=True, sa_column_args=[ForeignKey("inventory.ref", onupdate="CASCADE", ondelete="CASCADE")]
    )
    content: bytes = Field(sa_type=LargeBinary)
    edges: list[Any] = _json()
    outputs: dict[str, Any] = _json()
    lifecycle: dict[str, Any] = _json()
    options: dict[str, Any] = _json()
    driver: str
    choices: dict[str, Any] | None = _json()
    owner: str | None
    commit: str
    file: str
    changed_at: datetime = _instant()


class OperationRow(Base, table=True):
    """The journal: written before a call is made, settled after it."""

    __tablename__ = "operations"
    __table_args__ = (
        Index(
            "ix_operations_open",
            "ref",
            sqlite_where=text("state IN ('intended', 'started', 'unknown')"),
            postgresql_where=text("state IN ('intended', 'started', 'unknown')"),
        ),
    )

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
    options: dict[str, Any] = _json()
    content: bytes = Field(sa_type=LargeBinary)
    edges: list[Any] = _json()
    previous: str | None
    handle: str
    message: str = _said()
    progress: dict[str, Any] | None = _json()
    before_hash: str
    after_hash: str
    who: str
    commit: str
    plan_digest: str
    intended_at: datetime = _instant()
    started_at: datetime | None = _instant(nullable=True)
    deadline: datetime | None = _instant(nullable=True)
    settled_at: datetime | None = _instant(nullable=True)


class RunRow(Base, table=True):
    """One reconcile."""

    __tablename__ = "runs"

    id: str = Field(primary_key=True)
    kind: str
    state: str
    commit: str
    plan_digest: str
    who: str
    started_at: datetime = _instant(index=True)
    finished_at: datetime | None = _instant(nullable=True)
    counts: dict[str, int] = _json()


class EventRow(Base, table=True):
    """One change, done or attempted. Never updated."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "ref", "id"),)

    id: int | None = _serial()
    at: datetime = _instant(index=True)
    run: str = Field(index=True)
    ref: str
    verb: str
    state: str
    reason: str
    message: str = _said()
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


class ConditionRow(Base, table=True):
    """One condition of one resource. ``at_rest`` is false for resources that every run must look at again."""

    __tablename__ = "conditions"
    __table_args__ = (
        Index(
            "ix_conditions_moving",
            "ref",
            sqlite_where=text("NOT at_rest"),
            postgresql_where=text("NOT at_rest"),
        ),
    )

    ref: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    status: str
    reason: str
    message: str = _said()
    since: datetime = _instant()
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
    reason: str = _said()
    observed_at: datetime | None = _instant(nullable=True)
    since: datetime = _instant()


class ProbeStateRow(Base, table=True):
    """How a probe stands."""

    __tablename__ = "probe_states"

    ref: str = Field(primary_key=True)
    status: str
    hard_status: str
    attempt: int
    since: datetime = _instant()
    checked_at: datetime = _instant()
    summary: str = _said()
    runs: int = _from_zero()
    missed: int = _from_zero()
    seconds: float = _from_zero()
    late: float = _from_zero()


class ProbeResultRow(Base, table=True):
    """One result of one probe."""

    __tablename__ = "probe_results"

    ref: str = Field(primary_key=True)
    at: datetime = _instant(primary_key=True, index=True)
    status: str
    summary: str = _said()
    perfdata: list[Any] = _json()
    seconds: float
    attempt: int
    hard: bool
    late: float = _from_zero()


class ProbeGapRow(Base, table=True):
    """Runs of a probe that were due and never happened."""

    __tablename__ = "probe_gaps"

    ref: str = Field(primary_key=True)
    first: datetime = Field(primary_key=True, sa_type=Instant)
    last: datetime = _instant(index=True)
    count: int


class ApiTokenRow(Base, table=True):
    """Who may come in over HTTP; of what they show, only the digest is kept."""

    __tablename__ = "api_tokens"

    name: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    may: list[Any] = _json()
    by: str
    since: datetime = _instant()
    until: datetime | None = _instant(nullable=True)
    revoked_at: datetime | None = _instant(nullable=True)


class SessionRow(Base, table=True):
    """Somebody who is logged in on the pages; of what a browser shows, only the digest is kept."""

    __tablename__ = "sessions"

    digest: str = Field(primary_key=True)
    issuer: str
    identity: str
    name: str
    entitlements: list[Any] = _json()
    since: datetime = _instant()
    seen_at: datetime = _instant()
    until: datetime = _instant()


class LoginRow(Base, table=True):
    """A login that was begun."""

    __tablename__ = "logins"

    digest: str = Field(primary_key=True)
    issuer: str
    redirect: str
    next: str
    until: datetime = _instant()


class DeliveryRow(Base, table=True):
    """A web hook that came in: the same does not count again."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_hook_at", "hook", "at"),)

    hook: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    at: datetime = _instant()


class HeadRow(Base, table=True):
    """A branch: the commit that is in force, the one that is not and why, and what a person has acknowledged."""

    __tablename__ = "heads"

    branch: str = Field(primary_key=True)
    commit: str
    since: datetime | None = _instant(nullable=True)
    verified: bool
    withheld: str
    why: str = _said()
    withheld_since: datetime | None = _instant(nullable=True)
    acknowledged: str
    acknowledged_by: str
    acknowledged_reason: str = _said()
    acknowledged_at: datetime | None = _instant(nullable=True)


class StatusChangeRow(Base, table=True):
    """A change of a probe's state."""

    __tablename__ = "status_changes"
    __table_args__ = (Index(None, "ref", "at"),)

    id: int | None = _serial()
    ref: str
    at: datetime = _instant()
    before: str
    after: str
    hard: bool
    summary: str = _said()


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
    start: datetime = _instant()
    end: datetime | None = _instant(nullable=True)
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
    user_name: str = _from_nothing()
    received_bytes: int | None = Field(sa_type=BigInteger)
    sent_bytes: int | None = Field(sa_type=BigInteger)
    total_received_bytes: int | None = Field(sa_type=BigInteger)
    total_sent_bytes: int | None = Field(sa_type=BigInteger)


class MachineSpanRow(Base, table=True):
    """A time in which a machine was seen to stand unchanged."""

    __tablename__ = "machine_spans"

    target: str = Field(primary_key=True)
    node: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True, sa_type=Instant)
    until: datetime = _instant(index=True)
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
    user: str = _from_nothing()
    user_name: str = _from_nothing()


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
    seen: datetime = _instant()


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
    points: list[Any] = _json()
    recomputations: list[Any] = _json()


class UptimeDayRow(Base, table=True):
    """A day of a report that was computed, and from what."""

    __tablename__ = "uptime_days"

    report: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    basis: str
    commit: str
    complete: bool
    computed_at: datetime = _instant()


class TicketRow(Base, table=True):
    """A ticket at the helpdesk, or one whose sending was begun."""

    __tablename__ = "tickets"

    key: str = Field(primary_key=True)
    mark: str
    rule: str
    site: str
    title: str
    state: str
    since: datetime = _instant()
    begun_at: datetime = _instant()
    number: str
    ticket: str
    sent_at: datetime | None = _instant(nullable=True)
    looked_at: datetime | None = _instant(nullable=True)
    step: str


class PermitRow(Base, table=True):
    """An approval that was used."""

    __tablename__ = "approvals"

    run: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    approval: str = Field(index=True)
    verb: str
    by: str
    reason: str = _said()
    at: datetime = _instant()


class PauseRow(Base, table=True):
    """Something held, or held once: ``ended_at`` is set when it goes on."""

    __tablename__ = "pauses"
    __table_args__ = (
        Index(
            "ix_pauses_active",
            "scope",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = _serial()
    scope: str
    reason: str = _said()
    by: str
    since: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)
    ended_by: str | None


class LeaseRow(Base, table=True):
    """Who may work. The row stays after a release, so that its token only grows."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    token: int = Field(sa_type=BigInteger)
    since: datetime = _instant()
    expires: datetime = _instant()


class ConsentRow(Base, table=True):
    """Who agreed to which part of which plan."""

    __tablename__ = "consents"

    id: int | None = _serial()
    plan: str = Field(index=True)
    part: str
    changes: list[Any] = _json()
    name: str
    proof: str
    identity: str
    issuer: str
    entitlements: list[Any] = _json()
    reason: str = _said()
    given_at: datetime = _instant()
    expires: datetime | None = _instant(nullable=True)
    withdrawn_at: datetime | None = _instant(nullable=True)
    withdrawn_by: str


class AcceptanceRow(Base, table=True):
    """As of which commit a branch counts; of ``ref``, where that is a later one than of all else ("")."""

    __tablename__ = "acceptances"

    branch: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    commit: str
    at: datetime = _instant()


class NoticeRow(Base, table=True):
    """What a subscriber was told last of a subject, and when; what is as it should be has no row."""

    __tablename__ = "notices"

    subscription: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    state: str
    at: datetime = _instant()


class RegisterRow(Base, table=True):
    """A register that is kept here, and the token of how it stands."""

    __tablename__ = "registers"

    name: str = Field(primary_key=True)
    token: str


class DocumentRow(Base, table=True):
    """One document, and the register it is kept in; its body is JSON as it was written."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_uid", "kept_in", "uid"),)

    kept_in: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    uid: str
    body: str = Field(sa_type=Text)


class DeliveredRow(Base, table=True):
    """What a web hook of copies or probes was told last of a subject, and how often it was told anything of it."""

    __tablename__ = "delivered"

    subscription: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    state: Any = _json()
    number: int


def table(row: type[Base]) -> Table:
    """The Core table behind a class."""
    return cast("Table", row.__table__)  # type: ignore[attr-defined]
