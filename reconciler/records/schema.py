"""The schema and its versions: brings a database up to date, or says why it will not touch it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from reconciler.errors import RecordsError
from reconciler.records.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0014"
"""The newest migration. Known here so that a database that is up to date opens without Alembic."""
VERSION_TABLE = "hanse_schema"
_VERSIONS = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
_LOCK = 0x48414E53
"""Key of the PostgreSQL advisory lock under which migrations run."""


def bring_up_to_date(database: Database) -> None:
    """Run the migrations that are missing.

    Raises RecordsError when the database cannot be reached, is newer than this code, or belongs to something else.
    """
    with database.reading() as connection:
        if _version(connection) == HEAD:
            return
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _migrate(connection)


def expect_up_to_date(database: Database) -> None:
    """Change nothing. Raises RecordsError when the schema is not the newest; an empty store is made ready."""
    if database.is_fleeting:
        bring_up_to_date(database)
        return
    with database.reading() as connection:
        version = _version(connection)
    if version != HEAD:
        said = f"the database is at schema {version or 'none'}, this Hanse needs {HEAD}"
        raise RecordsError(f"{said}: whoever may write to it runs hanse plan once")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for our migrations, on this connection."""
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    found.set_main_option("path_separator", "os")
    found.attributes["connection"] = connection
    return found


def known_versions() -> frozenset[str]:
    """Every version that a migration of this code leads to."""
    from alembic.script import ScriptDirectory

    folder = Path(__file__).parent / "migrations"
    return frozenset(script.revision for script in ScriptDirectory(str(folder)).walk_revisions())


def version_of(connection: Connection) -> str | None:
    """The version of the schema; None where there is none."""
    return _version(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    where = configuration(connection)
    version = _version(connection)
    if version is None and (others := inspect(connection).get_table_names()):
        raise RecordsError(f"this is not a Hanse database: it holds {', '.join(sorted(others)[:5])}")
    known = {script.revision for script in ScriptDirectory.from_config(where).walk_revisions()}
    if version is not None and version not in known:
        said = f"the database is at schema {version}, made by a newer Hanse than this one (schema {HEAD}): upgrade"
        raise RecordsError(said)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(where, HEAD)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    row: Any = connection.execute(select(_VERSIONS.c.version_num)).first()
    return str(row[0]) if row else None
