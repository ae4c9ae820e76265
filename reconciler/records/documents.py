"""The register in the records' database, so that several machines have the same one and share no folder.

It is the default where ``[records] url`` is of PostgreSQL. With its first use each register takes over what lies of it
in the file in the state folder, once and whole. Where the records hold something that the file lacks, nothing is
concluded: the register is not read before somebody brings the true file, or says that there is none.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, Select, bindparam, delete, select

from reconciler.drivers import embedded
from reconciler.errors import RecordsError, Terminal, Transient
from reconciler.model import encode
from reconciler.ports import Document, Register, Registry
from reconciler.records.database import Database, chunks, passing, read_only
from reconciler.records.tables import DocumentRow, InventoryRow, RegisterRow, table

_log = structlog.get_logger()
_DOCUMENTS, _REGISTERS, _HELD = table(DocumentRow), table(RegisterRow), table(InventoryRow)
_ELSEWHERE = delete(_DOCUMENTS).where(
    # One by one, not in a list: PostgreSQL finds each by the index also while it knows nothing of a table that grows.
    _DOCUMENTS.c.kept_in == bindparam("of_kept_in"),
    _DOCUMENTS.c.uid == bindparam("of_uid"),
    _DOCUMENTS.c.name != bindparam("of_name"),
)
"""Another name of the same uid."""
LOST = ".lost"
"""What the name of the file that says that what is not in the register's file is lost for good ends with."""


def _fresh_token() -> str:
    return secrets.token_hex(8)


@dataclass
class Documents:
    """The registers of one database."""

    database: Database
    draw: Callable[[], str] = _fresh_token
    patience_seconds: float = 30.0
    """How long a writer waits for another one on PostgreSQL; on SQLite that is the database's own."""
    _settled: set[str] = field(default_factory=set, init=False)

    def table(self, name: str, folder: Path) -> Registry:
        """One register. ``folder``: where it was kept in a file before it was kept here."""
        return Recorded(self, name, folder / embedded.FILE)

    def keeps(self, name: str) -> bool:
        """Whether a register is kept here already. Raises Transient or Terminal."""
        with _translated(), self.database.reading() as connection:
            return self.settled(connection, name)

    def missing(self, folder: Path, asked: Callable[[str], bool] = lambda _name: True) -> str:
        """Why registers cannot be read before somebody brings their file; "" when they can. Raises RecordsError.

        ``asked``: whether a register is looked at, by its name.
        """
        file = folder / embedded.FILE
        with self.database.reading() as connection:
            held = {name: marks for name, marks in _held(connection).items() if asked(name)}
            awaited = {name: marks for name, marks in held.items() if not self.settled(connection, name)}
        return _doubt(file, embedded.registers(file), awaited) if awaited else ""

    def settled(self, connection: Connection, name: str) -> bool:
        """Whether a register is kept here already."""
        if name not in self._settled:
            found = select(_REGISTERS.c.name).where(_REGISTERS.c.name == name)
            if connection.execute(found).first() is None:
                return False
            self._settled.add(name)
        return True

    def settle(self, connection: Connection, file: Path, name: str) -> None:
        """From now on a register is kept here: what ``file`` holds of it is taken over, by whoever comes first."""
        claim = self.database.insert(_REGISTERS).values(name=name, token=self.draw()).on_conflict_do_nothing()
        if connection.execute(claim.returning(_REGISTERS.c.name)).first() is None:
            return
        found = embedded.Embedded(file, name).read()
        held = _held(connection).get(name, frozenset())
        if doubt := _doubt(file, {name: found}, {name: held}):
            raise Terminal(doubt)
        rows = _rows(name, list(found.documents.values()))
        if found.token:
            connection.execute(self.database.upsert(_REGISTERS), {"name": name, "token": found.token})
        if rows:
            connection.execute(self.database.insert(_DOCUMENTS), rows)
        lost = len(held - {one.uid for one in found.documents.values()})
        if found.token or lost:
            _log.warning("the register was taken over", register=name, documents=len(rows), lost=lost, file=str(file))


@dataclass(frozen=True)
class Recorded:
    """One register. A token is drawn anew for each change, so an old one never comes back."""

    documents: Documents
    name: str
    file: Path

    def read(self, token: str = "") -> Register:
        """Read all documents in one consistent snapshot; ``unchanged`` when ``token`` still holds."""
        with _translated(), self.documents.database.reading() as connection:
            here = select(_REGISTERS.c.token).where(_REGISTERS.c.name == self.name)
            known = connection.execute(here).scalar()
            if known is not None:
                if token and known == token:
                    return Register({}, token, unchanged=True)
                return _register(self.name, connection.execute(self._whole()).all())
            if not (self.file.exists() or self.name in _held(connection)):
                return Register({})
        return self._taken_over(token)

    def _whole(self) -> Select[Any]:
        """Token and documents in one statement: between two of them somebody may write."""
        beside = _REGISTERS.outerjoin(_DOCUMENTS, _DOCUMENTS.c.kept_in == _REGISTERS.c.name)
        wanted = select(_REGISTERS.c.token, _DOCUMENTS.c.name, _DOCUMENTS.c.body, _DOCUMENTS.c.uid)
        return wanted.select_from(beside).where(_REGISTERS.c.name == self.name)

    def put(self, documents: Sequence[Document]) -> None:
        """Write all documents in one transaction; a uid found under another name moves to the new one."""
        rows = _rows(self.name, documents)
        with self._changing() as connection:
            if moved := [row for row in rows if row["uid"]]:
                connection.execute(
                    _ELSEWHERE, [{f"of_{name}": row[name] for name in ("kept_in", "uid", "name")} for row in moved]
                )
            if rows:
                connection.execute(self.documents.database.upsert(_DOCUMENTS), rows)

    def remove(self, names: Sequence[str]) -> None:
        """Remove all names in one transaction."""
        with self._changing() as connection:
            self._drop(connection, names)

    def _drop(self, connection: Connection, names: Sequence[str]) -> None:
        for some in chunks(names):
            mine = (_DOCUMENTS.c.kept_in == self.name) & _DOCUMENTS.c.name.in_(some)
            connection.execute(delete(_DOCUMENTS).where(mine))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        kept = self.documents
        with _translated(), kept.database.writing() as connection:
            if kept.database.dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(kept.patience_seconds * 1000)}")
            if not kept.settled(connection, self.name):
                kept.settle(connection, self.file, self.name)
            # The row of the register is written first: who else writes to it waits here, and finds what was written.
            connection.execute(kept.database.upsert(_REGISTERS), {"name": self.name, "token": kept.draw()})
            yield connection

    def _taken_over(self, token: str) -> Register:
        kept = self.documents
        try:
            with kept.database.writing() as connection:
                kept.settle(connection, self.file, self.name)
        except RecordsError as error:
            if not read_only(error):
                raise _as_driver(error) from error
            if doubt := kept.missing(self.file.parent, lambda name: name == self.name):
                raise Terminal(doubt) from error
            return embedded.Embedded(self.file, self.name).read(token)
        return self.read(token)


def _rows(register: str, documents: Sequence[Document]) -> list[dict[str, str]]:
    """Documents as they are kept. Raises Terminal for what is no JSON object."""
    rows = [
        {"kept_in": register, "name": one.name, "uid": one.uid, "body": encode(one.body).decode()} for one in documents
    ]
    if wrong := [row["name"] for row in rows if not row["body"].startswith("{")]:
        raise Terminal(f"the register {register}: {wrong[0]} is no document: its body is no object")
    return rows


def _register(register: str, rows: Sequence[Any]) -> Register:
    """A register as it was read: with a token in each row, and a single row without a name where it is empty."""
    try:
        documents = [Document(name, orjson.loads(body), uid) for _, name, body, uid in rows if name is not None]
    except orjson.JSONDecodeError as error:
        raise Terminal(f"the register {register} in the records is damaged: {error}") from error
    if wrong := [one.name for one in documents if not isinstance(one.body, dict)]:
        raise Terminal(f"the register {register} in the records is damaged: {wrong[0]} is no object")
    return Register({one.name: one for one in documents}, rows[0][0] if rows else "")


def _held(connection: Connection) -> Mapping[str, frozenset[str]]:
    """Marks of what is held in registers, by the register."""
    there = select(_HELD.c.target, _HELD.c.uid).where(_HELD.c.target.like("registry:%"))
    held = defaultdict(set)
    for target, uid in connection.execute(there):
        held[target.partition(":")[2]].add(uid)
    return {name: frozenset(marks) for name, marks in held.items()}


def _doubt(file: Path, found: Mapping[str, Register], held: Mapping[str, frozenset[str]]) -> str:
    """Why ``file`` cannot be what these records' registers were; "" where it may be."""
    lost = file.with_name(f"{file.name}{LOST}")
    marks = {name: {one.uid for one in register.documents.values()} for name, register in found.items()}
    lacks = sum(len(uids - marks.get(name, set())) for name, uids in held.items())
    if not lacks or lost.exists():
        return ""
    whole, foreign = sum(map(len, held.values())), any(marks.get(name) for name in held)
    what = f"{file} is of another installation" if lacks == whole and foreign else f"{file} lacks {lacks} of them"
    what = what if file.exists() else f"there is no {file}"
    return (
        f"the register of {whole} resources ({', '.join(sorted(held))}) is not in the records yet, and {what}: start "
        f"Hanse where it worked before, or bring its file, with the -wal and -shm beside it; where what is missing is "
        f"lost for good, a file {lost.name} beside it says so, and it is made anew as git says"
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RecordsError as error:
        raise _as_driver(error) from error


def _as_driver(error: RecordsError) -> Transient | Terminal:
    message = f"the register: {error}"
    return Transient(message, retry_after=1.0) if passing(error) else Terminal(message)
