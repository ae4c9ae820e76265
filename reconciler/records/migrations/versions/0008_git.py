"""Web hooks that came in; the commits that are in force, by branch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("hook", sa.String, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hook", "mark", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_hook_at", "deliveries", ["hook", "at"])
    op.create_table(
        "heads",
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("withheld", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("withheld_since", sa.DateTime(timezone=True)),
        sa.Column("acknowledged", sa.String, nullable=False),
        sa.Column("acknowledged_by", sa.String, nullable=False),
        sa.Column("acknowledged_reason", sa.Text, nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("branch", name="pk_heads"),
    )


def downgrade() -> None:
    op.drop_table("heads")
    op.drop_table("deliveries")
