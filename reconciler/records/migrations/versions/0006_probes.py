"""Probes: how often they ran and did not, how late; tokens of the HTTP API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTED = {"runs": sa.Integer, "missed": sa.Integer, "seconds": sa.Float, "late": sa.Float}


def upgrade() -> None:
    for name, kind in _COUNTED.items():
        op.add_column("probe_states", sa.Column(name, kind, nullable=False, server_default=sa.text("0")))
    op.add_column("probe_results", sa.Column("late", sa.Float, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "probe_gaps",
        sa.Column("ref", sa.String, nullable=False),
        sa.Column("first", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("ref", "first", name="pk_probe_gaps"),
    )
    op.create_index("ix_probe_gaps_last", "probe_gaps", ["last"])
    op.create_table(
        "api_tokens",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("may", sa.Text, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )


def downgrade() -> None:
    op.drop_table("api_tokens")
    op.drop_table("probe_gaps")
    op.drop_column("probe_results", "late")
    for name in _COUNTED:
        op.drop_column("probe_states", name)
