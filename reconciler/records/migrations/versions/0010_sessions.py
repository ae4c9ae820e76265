"""People who are logged in on the pages, and logins that were begun."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        *_words("digest", "issuer", "identity", "name"),
        sa.Column("entitlements", sa.Text, nullable=False),
        *_times("since", "seen_at", "until"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_table(
        "logins",
        *_words("digest", "issuer", "redirect", "next"),
        *_times("until"),
        sa.PrimaryKeyConstraint("digest", name="pk_logins"),
    )


def downgrade() -> None:
    op.drop_table("logins")
    op.drop_table("sessions")


def _words(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]
