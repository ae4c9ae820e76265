"""Whose machines are, by the cloud's identifier, and what the cloud calls them where names are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ADDED = {"machine_spans": ("user", "user_name"), "usage_records": ("user_name",)}


def upgrade() -> None:
    for table, names in _ADDED.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for table, names in _ADDED.items():
        for name in names:
            op.drop_column(table, name)
