"""Data: filesets, replicas, rules and their locks, scans of storages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("filesets", "fileset_blocks", "replicas", "data_rules", "holds", "locks", "scans", "dark_files")
_OPEN = sa.text("state > 0")


def upgrade() -> None:
    _filesets()
    _replicas()
    _locks()
    _scans()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


def _filesets() -> None:
    op.create_table(
        "filesets",
        *_names("digest"),
        *_numbers("files", "bytes"),
        *_names("blocks"),
        sa.Column("urls", sa.LargeBinary),
        sa.PrimaryKeyConstraint("digest", name="pk_filesets"),
    )
    op.create_table(
        "fileset_blocks",
        *_names("digest"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_fileset_blocks"),
    )


def _replicas() -> None:
    op.create_table(
        "replicas",
        _serial(),
        *_names("ref", "storage", "dataset", "uid", "state", "wanted", "seen", "tried"),
        *_numbers("files", "bytes"),
        sa.Column("origin", sa.Boolean, nullable=False),
        *_names("vo"),
        *_instants("since"),
        *_instants("tombstone", "accessed", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_replicas"),
        sa.UniqueConstraint("ref", name="uq_replicas_ref"),
    )
    op.create_index("ix_replicas_storage", "replicas", ["storage"])
    op.create_index("ix_replicas_dataset", "replicas", ["dataset"])
    op.create_table(
        "data_rules",
        _serial(),
        *_names("ref", "dataset", "state", "message"),
        *_instants("since"),
        *_names("source"),
        *_numbers("ok", "replicating", "stuck", "bytes", "failing_seconds"),
        *_instants("judged_at"),
        *_names("vo", "owner"),
        sa.PrimaryKeyConstraint("id", name="pk_data_rules"),
        sa.UniqueConstraint("ref", name="uq_data_rules_ref"),
    )
    op.create_index("ix_data_rules_dataset", "data_rules", ["dataset"])


def _locks() -> None:
    op.create_table(
        "holds",
        *_numbers("rule", "replica"),
        *_names("share", "basis"),
        *_numbers("ok", "replicating", "stuck", "bytes"),
        sa.PrimaryKeyConstraint("rule", "replica", name="pk_holds"),
    )
    op.create_index("ix_holds_replica", "holds", ["replica"])
    op.create_table(
        "locks",
        *_numbers("rule", "replica"),
        *_names("path"),
        *_numbers("size"),
        sa.Column("state", sa.SmallInteger, nullable=False),
        *_instants("since"),
        sa.Column("tries", sa.Integer, nullable=False),
        *_names("error"),
        *_instants("next_try", nullable=True),
        sa.PrimaryKeyConstraint("rule", "replica", "path", name="pk_locks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_locks_open", "locks", ["replica", "rule"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def _scans() -> None:
    op.create_table(
        "scans",
        *_names("target"),
        *_instants("at"),
        *_numbers("files", "expected", "missing"),
        *_names("first_missing"),
        *_numbers("dark", "dark_bytes"),
        sa.PrimaryKeyConstraint("target", name="pk_scans"),
    )
    op.create_table(
        "dark_files",
        *_names("target", "path"),
        *_numbers("size"),
        *_names("uid"),
        *_instants("first_seen", "last_seen"),
        sa.PrimaryKeyConstraint("target", "path", name="pk_dark_files"),
    )


def _names(*names: str) -> list[sa.Column[Any]]:
    """Columns of the plain kind: text, never NULL."""
    return [
        sa.Column(name, sa.Text if name in ("blocks", "message", "error") else sa.String, nullable=False)
        for name in names
    ]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False) for name in names]


def _instants(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _serial() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)
