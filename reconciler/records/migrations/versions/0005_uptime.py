"""Availability: a row for each thing of each report and day, and what each day was computed from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uptime",
        *_words("report"),
        sa.Column("day", sa.Date, nullable=False),
        *_words("level", "site", "function", "service", "hostname", "ngi"),
        *_floats("weight", "availability", "reliability", "up", "unknown", "down"),
        sa.Column("points", sa.Text, nullable=False),
        sa.Column("recomputations", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("report", "day", "level", "site", "function", "service", "hostname", name="pk_uptime"),
    )
    op.create_index("ix_uptime_report_site_day", "uptime", ["report", "site", "day"])
    op.create_table(
        "uptime_days",
        *_words("report"),
        sa.Column("day", sa.Date, nullable=False),
        *_words("basis", "commit"),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("report", "day", name="pk_uptime_days"),
    )


def downgrade() -> None:
    op.drop_table("uptime_days")
    op.drop_table("uptime")


def _words(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _floats(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]
