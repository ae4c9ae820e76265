"""Traffic of machines: what their counters showed last, what that is by month, and what records tell of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TOLD = ("received_bytes", "sent_bytes", "total_received_bytes", "total_sent_bytes")


def upgrade() -> None:
    op.create_table(
        "machine_traffic",
        *(sa.Column(name, sa.String, nullable=False) for name in ("target", "node", "month")),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("received", "sent", "counter_received", "counter_sent")
        ),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", "node", "month", name="pk_machine_traffic"),
    )
    for name in _TOLD:
        op.add_column("usage_records", sa.Column(name, sa.BigInteger, nullable=True))


def downgrade() -> None:
    for name in _TOLD:
        op.drop_column("usage_records", name)
    op.drop_table("machine_traffic")
