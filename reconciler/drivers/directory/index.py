"""The index of a directory storage: who made a file, and what its checksums were when it was last read.

One SQLite file beside the data, so that the marks live and die with the files they speak of. A row belongs to a path
*and* an inode and is committed before the file is renamed into place: whenever the process is killed, either the file
has its row, or the row points at a file that never appeared.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Terminal, Transient

_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  checksums TEXT NOT NULL, uid TEXT NOT NULL, ctime_ns INTEGER, UNIQUE (path, inode)
);
"""
_ATTEMPTS = 500
_OLDER = "path, inode, size, mtime_ns, checksums, uid"
_COLUMNS = f"{_OLDER}, ctime_ns"


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one file. ``checksums`` holds for exactly this inode, size, mtime and ctime."""

    path: str
    inode: int
    size: int
    mtime_ns: int
    checksums: frozenset[str]
    uid: str
    ctime_ns: int | None = None
    """When its inode was last changed, which nobody can set back; None until the file was seen under its name."""

    def describes(self, stat: os.stat_result) -> bool:
        """True while the file is the one whose checksums these are."""
        same = (self.inode, self.size, self.mtime_ns) == (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return same and self.ctime_ns in (None, stat.st_ctime_ns)


class Index:
    """The rows of one storage. Safe between threads and between processes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int, int] | None = None

    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """Every row, by path; empty when nothing was ever written here. Never makes the file."""
        if not self.file.exists():
            return {}
        with self._connected() as connection:
            found: dict[str, tuple[Row, ...]] = {}
            columns = _COLUMNS if _has_ctime(connection) else f"{_OLDER}, NULL"
            for row in map(_row, connection.execute(f"SELECT {columns} FROM file ORDER BY id")):  # noqa: S608
                found[row.path] = (*found.get(row.path, ()), row)
        return found

    def reserve(self, row: Row, limit: int | None) -> bool:
        """Write the row of a file about to appear; False when the storage would then hold more than ``limit`` bytes."""
        with self._connected() as connection, _transaction(connection):
            others = connection.execute("SELECT coalesce(sum(size), 0) FROM file WHERE path != ?", (row.path,))
            if limit is not None and int(others.fetchone()[0]) + row.size > limit:
                return False
            self._write(connection, row)
        return True

    def latest(self, path: str) -> int:
        """The number of the newest row of ``path``; 0 when it has none."""
        with self._connected() as connection:
            found = connection.execute("SELECT coalesce(max(id), 0) FROM file WHERE path = ?", (path,))
            return int(found.fetchone()[0])

    def settle(self, path: str, latest: int, alive: Iterable[int]) -> None:
        """Forget rows of ``path`` up to number ``latest`` whose inode is not ``alive``: their file was replaced."""
        kept = set(alive)
        with self._connected() as connection, _transaction(connection):
            rows = connection.execute(
                "SELECT id, inode FROM file WHERE path = ? AND id <= ?", (path, latest)
            ).fetchall()
            gone = [(row,) for row, inode in rows if inode not in kept]
            connection.executemany("DELETE FROM file WHERE id = ?", gone)

    def remember(self, rows: Iterable[Row]) -> None:
        """Keep the checksums of files that were read again. A read-only storage keeps nothing, and still works."""
        kept = list(rows)
        if not kept or not os.access(self.file.parent, os.W_OK):
            return
        with self._connected() as connection, _transaction(connection):
            for row in kept:
                self._write(connection, row)

    def used(self) -> int:
        """Bytes of all files known, those still arriving included."""
        return sum(max(row.size for row in rows) for rows in self.rows().values())

    def forget_inode(self, inode: int) -> None:
        """Drop the row of a file that never appeared."""
        with self._connected() as connection, _transaction(connection):
            connection.execute("DELETE FROM file WHERE inode = ?", (inode,))

    def _write(self, connection: sqlite3.Connection, row: Row) -> None:
        connection.execute(
            f"INSERT INTO file ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path, inode) DO UPDATE SET "  # noqa: S608
            "size = excluded.size, mtime_ns = excluded.mtime_ns, checksums = excluded.checksums, uid = excluded.uid, "
            "ctime_ns = excluded.ctime_ns",
            (row.path, row.inode, row.size, row.mtime_ns, " ".join(sorted(row.checksums)), row.uid, row.ctime_ns),
        )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._open()
            except sqlite3.OperationalError as error:
                self.close()
                raise Transient(f"{self.file}: {error}") from error
            except sqlite3.DatabaseError as error:
                self.close()
                raise Terminal(f"{self.file} is damaged: {error}; put a backup in its place") from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._identity() != self._opened:
            self.close()
            writable = os.access(self.file.parent, os.W_OK)
            connection = sqlite3.connect(
                f"{self.file.absolute().as_uri()}?{'mode=rwc' if writable else 'immutable=1'}",
                uri=True,
                timeout=30,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection = connection
            weakref.finalize(self, connection.close)
            if writable:
                _write_ahead(connection)
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_SCHEMA)
                _brought_up(connection)
            self._opened = self._identity()
        return self._connection

    def _identity(self) -> tuple[int, int, int] | None:
        """Names this process and the file: after a fork, or when the file was replaced, it is opened anew."""
        try:
            stat = self.file.stat()
        except FileNotFoundError:
            return None
        return (os.getpid(), stat.st_dev, stat.st_ino)

    def close(self) -> None:
        """Close the connection; it is opened again when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new file to write-ahead logging. SQLite does not wait for others who do the same just now: we do."""
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.02)
        else:
            return


def _has_ctime(connection: sqlite3.Connection) -> bool:
    return any(column[1] == "ctime_ns" for column in connection.execute("PRAGMA table_info(file)"))


def _brought_up(connection: sqlite3.Connection) -> None:
    """Give an index of an earlier Hanse the column that it lacks."""
    with _transaction(connection):
        if not _has_ctime(connection):
            connection.execute("ALTER TABLE file ADD COLUMN ctime_ns INTEGER")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _row(values: tuple[str, int, int, int, str, str, int | None]) -> Row:
    path, inode, size, mtime_ns, checksums, uid, ctime_ns = values
    return Row(path, inode, size, mtime_ns, frozenset(checksums.split()), uid, ctime_ns)
