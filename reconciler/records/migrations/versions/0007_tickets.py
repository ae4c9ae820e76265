"""Tickets at the helpdesk, and those whose sending was begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WORDS = ("key", "mark", "rule", "site", "title", "state")


def upgrade() -> None:
    op.create_table(
        "tickets",
        *(sa.Column(name, sa.String, nullable=False) for name in _WORDS),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("ticket", sa.String, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("step", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_tickets"),
    )


def downgrade() -> None:
    op.drop_table("tickets")
