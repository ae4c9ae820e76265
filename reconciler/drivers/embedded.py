"""The embedded register: documents in one SQLite file under the state directory, a table for each target.

Each call is one transaction on a connection of its own, so that threads and processes may share the file and a
process killed at any moment leaves either all of a call or nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson

from reconciler.errors import Terminal, Transient
from reconciler.model import Target, encode
from reconciler.ports import Document, Drivers, Register, Registry

FILE = "registry.sqlite"
"""What the file is called."""
_BUSY_SECONDS = 30.0
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def open(target: Target, drivers: Drivers) -> Registry:  # noqa: A001, ARG001
    """The table of ``target`` in ``<state>/registry.sqlite``; both are made on the first call."""
    return Embedded(Path(target.options["state"]) / FILE, target.name)


def registers(file: Path) -> Mapping[str, Register]:
    """Every register of a file by its name, each with its token; a file that is not there is none."""
    if not file.exists():
        return {}
    with _transaction(file, "BEGIN") as db:
        names = [name for (name,) in db.execute("SELECT name FROM tokens ORDER BY name")]
        return {name: _register(db, file, name) for name in names}


def _fresh_token() -> str:
    return secrets.token_hex(8)


class Embedded:
    """One table of the file. A token is drawn anew for each change, so an old one never comes back."""

    def __init__(self, file: Path, table: str, draw: Callable[[], str] = _fresh_token) -> None:
        self._file = file
        self._name = table
        self._table = _table(table)
        self._draw = draw

    def read(self, token: str = "") -> Register:
        """Read all documents in one consistent snapshot; ``unchanged`` when ``token`` still holds."""
        if not self._file.exists():
            return Register({})
        with _transaction(self._file, "BEGIN") as db:
            return _register(db, self._file, self._name, token)

    def put(self, documents: Sequence[Document]) -> None:
        """Write all documents in one transaction; a uid found under another name moves to the new one."""
        with self._changing() as db:
            db.executemany(
                f"DELETE FROM {self._table} WHERE uid = ? AND uid <> '' AND name <> ?",  # noqa: S608
                [(d.uid, d.name) for d in documents],
            )
            db.executemany(
                f"INSERT OR REPLACE INTO {self._table} (name, body, uid) VALUES (?, ?, ?)",  # noqa: S608
                [(d.name, encode(d.body).decode(), d.uid) for d in documents],
            )

    def remove(self, names: Sequence[str]) -> None:
        """Remove all names in one transaction."""
        with self._changing() as db:
            db.executemany(f"DELETE FROM {self._table} WHERE name = ?", [(n,) for n in names])  # noqa: S608

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with _transaction(self._file, "BEGIN IMMEDIATE") as db:
            # A document is a JSON object: anything else is refused by the table itself.
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} (name TEXT PRIMARY KEY, uid TEXT NOT NULL, "
                "body TEXT NOT NULL CHECK (json_type(body) = 'object')) WITHOUT ROWID"
            )
            db.execute(f"CREATE INDEX IF NOT EXISTS {_quoted(f'marks of {self._name}')} ON {self._table} (uid)")
            yield db
            db.execute("INSERT OR REPLACE INTO tokens (name, token) VALUES (?, ?)", (self._name, self._draw()))


@contextmanager
def _transaction(file: Path, begin: str) -> Iterator[sqlite3.Connection]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("CREATE TABLE IF NOT EXISTS tokens (name TEXT PRIMARY KEY, token TEXT NOT NULL)")
            db.execute(begin)
            yield db
            db.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise _translated(error, file) from error


def _register(db: sqlite3.Connection, file: Path, table: str, token: str = "") -> Register:
    row = db.execute("SELECT token FROM tokens WHERE name = ?", (table,)).fetchone()
    if row is None:
        return Register({}, token="")
    if token and row[0] == token:
        return Register({}, token, unchanged=True)
    rows = db.execute(f"SELECT name, body, uid FROM {_table(table)}").fetchall()  # noqa: S608
    try:
        documents = [Document(name, orjson.loads(body), uid) for name, body, uid in rows]
    except orjson.JSONDecodeError as error:
        raise Terminal(f"the register {file.name} is damaged: {error}") from error
    return Register({d.name: d for d in documents}, row[0])


def _table(table: str) -> str:
    return _quoted(f"documents of {table}")


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _translated(error: sqlite3.Error | OSError, file: Path) -> Transient | Terminal:
    code: Any = getattr(error, "sqlite_errorcode", None)
    message = f"the register {file.name}: {error}"
    if code is not None and code & 0xFF in _LOCKED:
        return Transient(message, retry_after=1.0)
    return Terminal(message)
