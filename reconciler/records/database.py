"""The database: one engine, durable writes, and every foreign error turned into a RecordsError here."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.dml import Insert

from reconciler.errors import RecordsError

_PATIENCE_SECONDS = 30
"""How long a writer waits for another one before it gives up."""
_PATIENT = {"timeout": _PATIENCE_SECONDS}
_PASSING = ("08", "40", "53", "55", "57")
"""Classes of PostgreSQL's errors that pass: connection lost, rolled back, too much at once, locked, shut down."""
_MAY_NOT = ("25006", "42501")
"""A transaction that only reads; somebody who may not write."""
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_AT_ONCE = 1000
"""The most keys that one query names."""


class Database:
    """Hands out transactions. What ``writing`` has committed survives ``kill -9`` and a power cut."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock
        self._sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer; threads of one process queue here instead of polling for its lock.
        self._turn = threading.Lock() if self._sqlite else nullcontext()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    def now(self) -> datetime:
        """The clock's time in UTC."""
        return self._clock().astimezone(UTC)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: all of it is durable when the block ends, or none of it happened."""
        with self._translated(), self._turn, self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)  # noqa: PLW2901 (the same connection)
            with connection.begin():
                yield connection

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def upsert(self, table: Table, keep: Iterable[str] = ()) -> Insert:
        """An INSERT that replaces the row of the same primary key, but for the columns to ``keep``."""
        keys = [column.name for column in table.primary_key]
        statement = self.insert(table)
        fresh = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in {*keys, *keep}}
        return statement.on_conflict_do_update(index_elements=keys, set_=fresh)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @property
    def is_fleeting(self) -> bool:
        """It is in memory: nothing was there to be read."""
        return self._sqlite and "mode=memory" in str(self._engine.url)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        # Rows that are taken straight from the driver fail with the driver's own errors.
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise RecordsError(f"the database {shown(self._engine.url)} failed: {_short(error)}") from error


def connect(url: str, clock: Callable[[], datetime], *, read_only: bool = False) -> Database:
    """The database behind ``url``, not looked at yet; to be read only, a file is neither made nor changed."""
    where = _parsed(url)
    if where.get_backend_name() == "sqlite":
        return Database(_sqlite_as_it_is(where) if read_only else _sqlite(where), clock)
    if where.get_backend_name() == "postgresql":
        return Database(_postgresql(where, read_only=read_only), clock)
    raise RecordsError(f"{shown(where)}: only sqlite and postgresql databases are supported")


def shown(url: URL) -> str:
    """A URL without its password."""
    return url.render_as_string(hide_password=True)


def chunks(keys: Iterable[Any]) -> Iterator[Sequence[str]]:
    """Keys in portions that fit into one query, as plain strings."""
    rest = [str(key) for key in keys]
    for start in range(0, len(rest), _AT_ONCE):
        yield rest[start : start + _AT_ONCE]


def passing(error: RecordsError) -> bool:
    """Whether the same may work later: somebody held a lock, or the server was not reached."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _LOCKED
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return state[:2] in _PASSING
    return type(cause).__name__ in ("OperationalError", "ConnectionTimeout", "TimeoutError")


def read_only(error: RecordsError) -> bool:
    """Whether it failed because nothing may be written."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    return code & 0xFF == sqlite3.SQLITE_READONLY if code is not None else getattr(cause, "sqlstate", "") in _MAY_NOT


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        said = "the database URL cannot be read: it looks like sqlite:///path or postgresql://user@host/name"
        raise RecordsError(said) from error


def _file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise RecordsError("a database in memory forgets: name a file (sqlite:///path)")
    return Path(url.database)


def _sqlite_as_it_is(url: URL) -> Engine:
    file = _file(url)
    if not file.exists():
        name = f"file:hanse-{secrets.token_hex(8)}?mode=memory&cache=shared&uri=true"
        apart = {"check_same_thread": False}  # the pool sees to it
        engine = create_engine(
            f"sqlite:///{name}", poolclass=QueuePool, connect_args=apart
        )  # lives as long as a connection to it
    else:
        where = f"file:{quote(str(file.absolute()))}?{_how_to_read(file)}&uri=true"
        engine = create_engine(f"sqlite:///{where}", connect_args=_PATIENT)
        event.listen(engine, "connect", _only_look)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _how_to_read(file: Path) -> str:
    """Who may write leaves nothing behind that others cannot write to; a log that somebody writes is read along."""
    if os.access(file.parent, os.W_OK) and os.access(file, os.W_OK):
        return "mode=rw"
    return "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"


def _only_look(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _sqlite(url: URL) -> Engine:
    file = _file(url)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordsError(f"{url.database}: its directory cannot be made: {error.strerror}") from error
    engine = create_engine(url, connect_args=_PATIENT)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    _leave_transactions_to_us(connection, record)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: one that reads first and writes later can be refused in between.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL, *, read_only: bool) -> Engine:
    url = url.set(drivername="postgresql+psycopg")
    arguments = {"connect_timeout": 10} | ({"options": "-c default_transaction_read_only=on"} if read_only else {})
    try:
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=True)
    except ImportError as error:
        raise RecordsError("PostgreSQL needs psycopg: install hanse[postgresql]") from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # A server may be configured to answer before the log is on disk; the journal cannot live with that.
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
    connection.commit()


def _short(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]
