"""The world of one simulated cloud: a SQLite file, and a back door through which it drifts.

Synchronous writes are off: what a transaction committed survives a killed process, though not a power cut, and ten
thousand nodes are made in seconds. Triggers keep the change counter and the used quota right, whoever writes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import orjson

from reconciler.errors import DriverError, Terminal, Transient

SCHEMA = """
CREATE TABLE IF NOT EXISTS world (
  birth TEXT NOT NULL, change INTEGER NOT NULL, settles_at REAL NOT NULL, instances INTEGER NOT NULL,
  cpus INTEGER NOT NULL, ram_mib INTEGER NOT NULL, second INTEGER NOT NULL, calls INTEGER NOT NULL);
INSERT INTO world SELECT lower(hex(randomblob(4))), 0, 0, 0, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM world);
CREATE TABLE IF NOT EXISTS call (verb TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS node (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, size TEXT NOT NULL,
  cpus INTEGER NOT NULL, ram_mib INTEGER NOT NULL, image TEXT NOT NULL, address TEXT NOT NULL, metadata TEXT NOT NULL,
  request TEXT NOT NULL, state TEXT NOT NULL, fault TEXT NOT NULL, running_at REAL NOT NULL, visible_at REAL NOT NULL,
  gone_at REAL);
CREATE INDEX IF NOT EXISTS node_name ON node (name);
CREATE INDEX IF NOT EXISTS node_address ON node (address);
CREATE INDEX IF NOT EXISTS node_gone ON node (gone_at) WHERE gone_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS run (
  handle TEXT PRIMARY KEY, playbook TEXT NOT NULL, hosts TEXT NOT NULL, digest TEXT NOT NULL, ends_at REAL NOT NULL,
  state TEXT NOT NULL, failed TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS configured (
  host TEXT NOT NULL, playbook TEXT NOT NULL, digest TEXT NOT NULL, node TEXT NOT NULL,
  PRIMARY KEY (host, playbook)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holding (owner TEXT PRIMARY KEY, note TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS published (
  number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, address TEXT NOT NULL, node TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS published_node ON published (node);
CREATE TABLE IF NOT EXISTS image (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, state TEXT NOT NULL,
  format TEXT NOT NULL, properties TEXT NOT NULL, checksums TEXT NOT NULL, size INTEGER, hidden INTEGER NOT NULL,
  visibility TEXT NOT NULL, disk INTEGER NOT NULL, ram INTEGER NOT NULL, made TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS image_change (n INTEGER NOT NULL);
INSERT INTO image_change SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM image_change);
CREATE TRIGGER IF NOT EXISTS image_made AFTER INSERT ON image BEGIN UPDATE image_change SET n = n + 1; END;
CREATE TRIGGER IF NOT EXISTS image_changed AFTER UPDATE ON image BEGIN UPDATE image_change SET n = n + 1; END;
CREATE TRIGGER IF NOT EXISTS image_gone AFTER DELETE ON image BEGIN UPDATE image_change SET n = n + 1; END;
CREATE TRIGGER IF NOT EXISTS node_made AFTER INSERT ON node BEGIN
  UPDATE world SET change = change + 1, instances = instances + 1, cpus = cpus + NEW.cpus,
    ram_mib = ram_mib + NEW.ram_mib, settles_at = max(settles_at, NEW.running_at, NEW.visible_at); END;
CREATE TRIGGER IF NOT EXISTS node_changed AFTER UPDATE ON node BEGIN
  UPDATE world SET change = change + 1, cpus = cpus + NEW.cpus - OLD.cpus,
    ram_mib = ram_mib + NEW.ram_mib - OLD.ram_mib,
    settles_at = max(settles_at, NEW.running_at, coalesce(NEW.gone_at, 0)); END;
CREATE TRIGGER IF NOT EXISTS node_gone AFTER DELETE ON node BEGIN
  UPDATE world SET change = change + 1, instances = instances - 1, cpus = cpus - OLD.cpus,
    ram_mib = ram_mib - OLD.ram_mib; END;
CREATE TRIGGER IF NOT EXISTS holding_made AFTER INSERT ON holding BEGIN UPDATE world SET change = change + 1; END;
CREATE TRIGGER IF NOT EXISTS holding_gone AFTER DELETE ON holding BEGIN UPDATE world SET change = change + 1; END;
CREATE TRIGGER IF NOT EXISTS published_made AFTER INSERT ON published BEGIN UPDATE world SET change = change + 1; END;
CREATE TRIGGER IF NOT EXISTS published_moved AFTER UPDATE ON published BEGIN UPDATE world SET change = change + 1; END;
CREATE TRIGGER IF NOT EXISTS published_gone AFTER DELETE ON published BEGIN UPDATE world SET change = change + 1; END;
"""
_VERSION = zlib.crc32(SCHEMA.encode()) >> 1
"""Tells that the tables are there already: a signed 32-bit number, as SQLite keeps it."""


def world_path(state: str, target_name: str) -> Path:
    """The file of the world that belongs to a compute target (``CESGA/cloud-1/vo.example.org``) under ``state``."""
    file = "+".join(quote(part, safe="") for part in target_name.split("/"))
    return Path(state) / f"{file}.sqlite"


class World:
    """One cloud project's nodes and playbook runs. Opened once per process and file, shared by its threads."""

    _open: ClassVar[dict[tuple[int, str], World]] = {}
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = _connect(path)
        self.file = _identity(path)

    @classmethod
    def open(cls, path: str | Path) -> World:
        """The world in ``path``, made when it is not there (any more)."""
        key = (os.getpid(), str(Path(path).absolute()))
        with cls._opening:
            world = cls._open.get(key)
            if world is None or world.file != _identity(world.path):
                world = cls._open[key] = cls(Path(path))
            return world

    def close(self) -> None:
        """Close the file; the next ``open`` opens it again."""
        with self._opening, self._lock:
            key = (os.getpid(), str(self.path.absolute()))
            if self._open.get(key) is self:
                del self._open[key]
            self._connection.close()

    @classmethod
    def close_all(cls) -> None:
        """Close every world that this process has open."""
        for world in list(cls._open.values()):
            world.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes beside. Raises Transient when the file stays locked."""
        with self._lock, _translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def calls(self) -> dict[str, int]:
        """How often each verb was called since the world was made, refused calls included."""
        with self.write() as db:
            return dict(db.execute("SELECT verb, n FROM call ORDER BY verb").fetchall())

    def names(self) -> list[str]:
        """Names of all nodes that are there, in the order in which they were made."""
        with self.write() as db:
            rows = db.execute("SELECT name FROM node WHERE gone_at IS NULL ORDER BY number").fetchall()
        return [row[0] for row in rows]

    def configured(self, playbook: str) -> dict[str, str]:
        """Host -> digest of the variables with which ``playbook`` last succeeded on the node that is there now."""
        there = "SELECT id FROM node UNION SELECT ''"
        query = f"SELECT host, digest FROM configured WHERE playbook = ? AND node IN ({there}) ORDER BY host"  # noqa: S608
        with self.write() as db:
            return dict(db.execute(query, (playbook,)).fetchall())

    # The back door: what people and broken hardware do behind a reconciler's back. No call is counted.

    def destroy_behind_our_back(self, name: str) -> None:
        """The node is gone."""
        self._drift("DELETE FROM node WHERE name = ?", name)

    def stop_behind_our_back(self, name: str) -> None:
        """The node is shut off."""
        self._drift("UPDATE node SET state = 'stopped' WHERE name = ?", name)

    def break_behind_our_back(self, name: str, fault: str = "the hypervisor is gone") -> None:
        """The node is in error."""
        self._drift("UPDATE node SET state = 'error', fault = ?2 WHERE name = ?1", name, fault)

    def resize_behind_our_back(self, name: str, size: str, cpus: int, ram_mib: int) -> None:
        """The node has another flavour."""
        self._drift("UPDATE node SET size = ?2, cpus = ?3, ram_mib = ?4 WHERE name = ?1", name, size, cpus, ram_mib)

    def mark_behind_our_back(self, name: str, metadata: Mapping[str, str]) -> None:
        """The node carries ``metadata`` and nothing else."""
        self._drift("UPDATE node SET metadata = ?2 WHERE name = ?1", name, orjson.dumps(dict(metadata)).decode())

    def _drift(self, statement: str, name: str, *values: Any) -> None:
        with self.write() as db:
            if not db.execute(statement, (name, *values)).rowcount:
                message = f"no node is called {name}"
                raise LookupError(message)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None when there is no such file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Transient(f"{path.name}: {error}", retry_after=1.0) from error
    except sqlite3.DatabaseError as error:
        raise Terminal(f"{path.name}: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=30.0, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        with _translated(path):
            connection.execute("PRAGMA synchronous = OFF")
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    except DriverError:
        connection.close()
        raise
    return connection
