"""Usage: machines as they were seen to stand, and what accounting needs besides of each record.

Records of usage are made from what was observed, month by month; those there may be are made again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    words = ("state", "ref", "site", "cloud", "vo", "name", "flavour", "image")
    op.create_table(
        "machine_spans",
        *_words("target", "node"),
        *_instants("since", "until"),
        sa.Column("current", sa.Boolean, nullable=False),
        *_words(*words),
        *_numbers(sa.Integer, "cpus"),
        *_numbers(sa.BigInteger, "memory_mib", "disk_gib"),
        *_numbers(sa.Integer, "gpus", "public_ips"),
        sa.PrimaryKeyConstraint("target", "node", "since", name="pk_machine_spans"),
    )
    op.create_index("ix_machine_spans_until", "machine_spans", ["until"])
    op.create_index("ix_machine_spans_current", "machine_spans", ["current"])
    _usage(
        *_words("name", "user"),
        *_numbers(sa.BigInteger, "suspend_seconds", "total_wall_seconds", "total_cpu_seconds", "total_suspend_seconds"),
        *_numbers(sa.Integer, "gpus", "public_ips", "nodes"),
        *_words("benchmark_type"),
        *_numbers(sa.Float, "benchmark"),
        sa.Column("partial", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("machine_spans")
    _usage()


def _usage(*more: sa.Column[Any]) -> None:
    op.drop_table("usage_records")
    op.create_table(
        "usage_records",
        *_words("month", "record", "ref", "vo", "site", "cloud", "kind"),
        *_instants("start"),
        sa.Column("end", sa.DateTime(timezone=True), nullable=True),
        *_words("status"),
        *_numbers(sa.BigInteger, "wall_seconds", "cpu_seconds"),
        *_numbers(sa.Integer, "cpu_count"),
        *_numbers(sa.BigInteger, "memory_mib", "disk_gib"),
        *_words("image"),
        *more,
        sa.PrimaryKeyConstraint("month", "record", name="pk_usage_records"),
    )
    op.create_index("ix_usage_records_ref", "usage_records", ["ref"])
    op.create_index("ix_usage_records_month_site_vo", "usage_records", ["month", "site", "vo"])


def _words(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _instants(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def _numbers(kind: type[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
