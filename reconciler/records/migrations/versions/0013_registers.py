"""The register, and what web hooks were told, in the database: machines that stand by share no folder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registers",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_registers"),
    )
    op.create_table(
        "documents",
        sa.Column("kept_in", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("uid", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kept_in", "name", name="pk_documents"),
    )
    op.create_index("ix_documents_uid", "documents", ["kept_in", "uid"])
    op.create_table(
        "delivered",
        sa.Column("subscription", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("subscription", "subject", name="pk_delivered"),
    )


def downgrade() -> None:
    for table in ("delivered", "documents", "registers"):
        op.drop_table(table)
