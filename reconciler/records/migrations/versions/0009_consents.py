"""Who agreed to which part of a plan; up to which commit changes were made by those who may."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consents",
        sa.Column("id", serial, nullable=False, autoincrement=True),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("part", sa.String, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("proof", sa.String, nullable=False),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("entitlements", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_plan", "consents", ["plan"])
    op.create_table(
        "acceptances",
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("ref", sa.String, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("branch", "ref", name="pk_acceptances"),
    )


def downgrade() -> None:
    op.drop_table("acceptances")
    op.drop_table("consents")
