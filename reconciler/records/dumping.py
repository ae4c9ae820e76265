"""The database as one file that can be kept elsewhere, and back: SQLite's online backup, PostgreSQL's own programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, inspect, select, text
from sqlalchemy.engine import URL, make_url

from reconciler.errors import RecordsError
from reconciler.model import Lease
from reconciler.records.database import Database, connect, shown
from reconciler.records.lease import Leases
from reconciler.records.schema import HEAD, VERSION_TABLE, known_versions, version_of
from reconciler.records.tables import Base, LeaseRow, table

_SECONDS: Final = 3600.0
_PATIENCE_SECONDS: Final = 30
_LEASES: Final = table(LeaseRow)


def dialect_of(url: str) -> str:
    """``sqlite`` or ``postgresql``."""
    return make_url(url).get_backend_name()


def schema_of(url: str, clock: datetime) -> str:
    """The version of the schema; "" where there is none. Raises RecordsError when the database cannot be read."""
    with closing(connect(url, lambda: clock, read_only=True)) as database, database.reading() as connection:
        return version_of(connection) or ""


def dump(url: str, file: Path) -> None:
    """Write all of it as of one moment, while others go on working. Raises RecordsError."""
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        _copy(Path(where.database or ""), file)
    else:
        _program(where, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def load(url: str, file: Path) -> None:
    """Put back what ``dump`` wrote, over a database that ``refusal`` has nothing against. Raises RecordsError."""
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        target = Path(where.database or "")
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(file, target)
    else:
        ways = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
        _program(where, "pg_restore", *ways, str(file))


def refusal(url: str, clock: datetime, lease: str) -> str:
    """Why nothing may be put in this database's place: somebody works on it, or it holds something; "" for nothing."""
    name = shown(make_url(url))
    with closing(connect(url, lambda: clock, read_only=True)) as database:
        try:
            held, full = _held(database, lease), _filled(database)
        except RecordsError as error:
            return f"{error}: where it is damaged, move it away and restore again"
    if held is not None:
        return f"{held.holder} works on {name} since {held.since:%Y-%m-%d %H:%M} UTC: stop it"
    if full:
        return f"{name} is not empty ({full}): move it away, or restore to another [records] url"
    return ""


def newer(version: str) -> bool:
    """Whether a schema was made by a Hanse that is newer than this one."""
    return version != HEAD and version not in known_versions()


def _held(database: Database, lease: str) -> Lease | None:
    with database.reading() as connection:
        there = inspect(connection).has_table(_LEASES.name)
    return Leases(database).current(lease) if there else None


def _filled(database: Database) -> str:
    """A table with rows in it; also one that is not ours."""
    ours = {one.name: one for one in Base.metadata.sorted_tables}
    with database.reading() as connection:
        for name in inspect(connection).get_table_names():
            if name in (VERSION_TABLE, _LEASES.name):
                continue
            if name not in ours or connection.execute(select(ours[name]).limit(1)).first() is not None:
                return f"table {name}"
    return ""


def _copy(source: Path, target: Path) -> None:
    """SQLite's online backup: what others write meanwhile is in it whole, or not at all."""
    if not source.exists():
        raise RecordsError(f"{source}: there is no such database")
    try:
        with (
            closing(
                sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)
            ) as of,
            closing(sqlite3.connect(target, timeout=_PATIENCE_SECONDS)) as to,
        ):
            of.backup(to)
            (sound,) = to.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise RecordsError(f"{source}: it cannot be copied: {error}") from error
    if sound != "ok":
        raise RecordsError(f"{source}: it is damaged: {sound}")


def _program(where: URL, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's; the password is in no command line."""
    found = shutil.which(name)
    if found is None:
        raise RecordsError(f"there is no {name}: apt-get install postgresql-client (of the server's version or newer)")
    command = [found, f"--dbname={_conninfo(where)}", *arguments]
    done = subprocess.run(command, env=_environment(where), capture_output=True, timeout=_SECONDS, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RecordsError(f"{name} of {shown(where)} failed: {said[0] if said else done.returncode}")


def _conninfo(where: URL) -> str:
    from psycopg.conninfo import make_conninfo

    given = {"host": where.host, "port": where.port, "user": where.username, "dbname": where.database, **where.query}
    return make_conninfo("", **{name: str(value) for name, value in given.items() if value})


def _environment(where: URL) -> Mapping[str, str]:
    password = {"PGPASSWORD": str(where.password)} if where.password else {}
    return {**os.environ, **password}


@dataclass(frozen=True, slots=True)
class Look:
    """How a database stands."""

    name: str
    """Its URL without a password."""
    schema: str
    """"" where there is none."""
    writable: bool
    skew: timedelta | None
    """This machine's time less the server's; None for a file, which has no clock."""


def looked_at(url: str, clock: Callable[[], datetime]) -> Look:
    """How a database stands. Nothing is made or changed. Raises RecordsError when it cannot be read."""
    with closing(connect(url, clock, read_only=True)) as database, database.reading() as connection:
        schema = version_of(connection) or ""
        there = connection.scalar(text("SELECT clock_timestamp()")) if database.dialect == "postgresql" else None
        now = database.now()
    return Look(shown(make_url(url)), schema, _writable(url, clock), None if there is None else now - there)


def _writable(url: str, clock: Callable[[], datetime]) -> bool:
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        file = Path(where.database or "")
        return all(os.access(place, os.W_OK) for place in (file, file.parent) if place.exists())
    nobody = delete(_LEASES).where(_LEASES.c.name == "")
    try:
        with closing(connect(url, clock)) as database, database.writing() as connection:
            connection.execute(nobody)
    except RecordsError:
        return False
    return True
