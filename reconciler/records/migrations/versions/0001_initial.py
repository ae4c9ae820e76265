"""The first schema: inventory, journal, runs, events, conditions, probes, usage, approvals, pauses, leases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "inventory",
    "inventory_details",
    "runs",
    "operations",
    "events",
    "conditions",
    "targets",
    "probe_states",
    "probe_results",
    "status_changes",
    "usage_records",
    "approvals",
    "pauses",
    "leases",
)


def upgrade() -> None:
    _inventory()
    _journal()
    _events()
    _status()
    _probes()
    _usage()
    _permissions()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


def _inventory() -> None:
    op.create_table(
        "inventory",
        *_names("ref", "uid"),
        sa.Column("generation", sa.Integer, nullable=False),
        *_names("digest", "observed_digest", "target", "meta_digest", "source"),
        sa.PrimaryKeyConstraint("ref", name="pk_inventory"),
        sa.UniqueConstraint("uid", name="uq_inventory_uid"),
    )
    op.create_index("ix_inventory_target", "inventory", ["target"])
    op.create_table(
        "inventory_details",
        *_names("ref"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        *_texts("edges", "outputs", "lifecycle", "options"),
        *_names("driver"),
        sa.Column("choices", sa.Text),
        sa.Column("owner", sa.String),
        *_names("commit", "file"),
        _time("changed_at"),
        sa.PrimaryKeyConstraint("ref", name="pk_inventory_details"),
        sa.ForeignKeyConstraint(
            ["ref"],
            ["inventory.ref"],
            name="fk_inventory_details_ref_inventory",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )
    _partial("ix_inventory_details_choosing", "inventory_details", "ref", "choices IS NOT NULL")


def _journal() -> None:
    op.create_table(
        "runs",
        *_names("id", "kind", "state", "commit", "plan_digest", "who"),
        _time("started_at"),
        _time("finished_at", nullable=True),
        *_texts("counts"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_table(
        "operations",
        *_names("id", "run", "ref", "verb", "reason", "uid"),
        sa.Column("generation", sa.Integer, nullable=False),
        *_names("state"),
        sa.Column("attempt", sa.Integer, nullable=False),
        *_names("target", "driver"),
        *_texts("options"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        *_texts("edges"),
        sa.Column("previous", sa.String),
        *_names("handle"),
        *_texts("message"),
        *_names("before_hash", "after_hash", "who", "commit", "plan_digest"),
        _time("intended_at"),
        _time("started_at", nullable=True),
        _time("deadline", nullable=True),
        _time("settled_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_operations_run_runs"),
    )
    op.create_index("ix_operations_run", "operations", ["run"])
    _partial("ix_operations_open", "operations", "ref", "state IN ('intended', 'started', 'unknown')")


def _events() -> None:
    op.create_table(
        "events",
        _serial(),
        _time("at"),
        *_names("run", "ref", "verb", "state", "reason"),
        *_texts("message"),
        *_names("target", "uid"),
        sa.Column("generation", sa.Integer, nullable=False),
        *_names("before_hash", "after_hash", "who", "commit", "plan_digest", "operation"),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_ref_id", "events", ["ref", "id"])
    op.create_index("ix_events_run", "events", ["run"])
    op.create_index("ix_events_at", "events", ["at"])


def _status() -> None:
    op.create_table(
        "conditions",
        *_names("ref", "type", "status", "reason"),
        *_texts("message"),
        _time("since"),
        sa.Column("observed_generation", sa.Integer, nullable=False),
        sa.Column("at_rest", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("ref", "type", name="pk_conditions"),
    )
    _partial("ix_conditions_moving", "conditions", "ref", "NOT at_rest")
    op.create_table(
        "targets",
        *_names("target", "token", "digest"),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("reachable", sa.Boolean, nullable=False),
        *_texts("reason"),
        _time("observed_at", nullable=True),
        _time("since"),
        sa.PrimaryKeyConstraint("target", name="pk_targets"),
    )


def _probes() -> None:
    op.create_table(
        "probe_states",
        *_names("ref", "status", "hard_status"),
        sa.Column("attempt", sa.Integer, nullable=False),
        _time("since"),
        _time("checked_at"),
        *_texts("summary"),
        sa.PrimaryKeyConstraint("ref", name="pk_probe_states"),
    )
    op.create_table(
        "probe_results",
        *_names("ref"),
        _time("at"),
        *_names("status"),
        *_texts("summary", "perfdata"),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("ref", "at", name="pk_probe_results"),
    )
    op.create_index("ix_probe_results_at", "probe_results", ["at"])
    op.create_table(
        "status_changes",
        _serial(),
        *_names("ref"),
        _time("at"),
        *_names("before", "after"),
        sa.Column("hard", sa.Boolean, nullable=False),
        *_texts("summary"),
        sa.PrimaryKeyConstraint("id", name="pk_status_changes"),
    )
    op.create_index("ix_status_changes_ref_at", "status_changes", ["ref", "at"])


def _usage() -> None:
    op.create_table(
        "usage_records",
        *_names("month", "record", "ref", "vo", "site", "cloud", "kind"),
        _time("start"),
        _time("end", nullable=True),
        *_names("status"),
        sa.Column("wall_seconds", sa.BigInteger, nullable=False),
        sa.Column("cpu_seconds", sa.BigInteger, nullable=False),
        sa.Column("cpu_count", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.BigInteger, nullable=False),
        sa.Column("disk_gib", sa.BigInteger, nullable=False),
        *_names("image"),
        sa.PrimaryKeyConstraint("month", "record", name="pk_usage_records"),
    )
    op.create_index("ix_usage_records_month_site_vo", "usage_records", ["month", "site", "vo"])
    op.create_index("ix_usage_records_ref", "usage_records", ["ref"])


def _permissions() -> None:
    op.create_table(
        "approvals",
        *_names("run", "ref", "approval", "verb", "by"),
        *_texts("reason"),
        _time("at"),
        sa.PrimaryKeyConstraint("run", "ref", name="pk_approvals"),
    )
    op.create_index("ix_approvals_approval", "approvals", ["approval"])
    op.create_table(
        "pauses",
        _serial(),
        *_names("scope"),
        *_texts("reason"),
        *_names("by"),
        _time("since"),
        _time("ended_at", nullable=True),
        sa.Column("ended_by", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
    )
    _partial("ix_pauses_active", "pauses", "scope", "ended_at IS NULL", unique=True)
    op.create_table(
        "leases",
        *_names("name", "holder"),
        sa.Column("token", sa.BigInteger, nullable=False),
        _time("since"),
        _time("expires"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _names(*columns: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False) for name in columns]


def _texts(*columns: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in columns]


def _time(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, sa.DateTime(timezone=True), nullable=nullable)


def _serial() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _partial(name: str, table: str, column: str, where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], unique=unique, sqlite_where=condition, postgresql_where=condition)
