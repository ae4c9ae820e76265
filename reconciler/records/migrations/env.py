"""How Alembic runs here: always on a connection that records/schema.py (or a test) hands over."""

from __future__ import annotations

from alembic import context

from reconciler.records.schema import VERSION_TABLE
from reconciler.records.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
