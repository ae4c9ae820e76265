"""What is written down about nodes, before the kernel is asked for anything: one folder and one JSON file per node.

A record goes ``building`` → ``up`` → ``deleting`` → gone. Whoever is killed on the way leaves a record from which the
next one goes on. Kernel objects are named after the record's id, so none is ever without a record.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from reconciler.errors import Terminal
from reconciler.model import Strict, digest_of, encode

T = TypeVar("T", bound=Strict)


class World(Strict):
    """The world's own record."""

    id: str
    subnet: str


class Record(Strict):
    """One node, as it was asked for and as far as it has got."""

    id: str
    name: str
    phase: Literal["building", "up", "deleting"]
    size: str
    cpus: int
    ram_mib: int
    image: str
    root: str
    address: str
    metadata: Mapping[str, str] = Field(default_factory=dict)
    networks: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    security_ports: tuple[str, ...] = ()
    user_data: str = ""
    fault: str = ""
    owner: str = ""

    @property
    def hostname(self) -> str:
        """The node's name as far as a host name may go."""
        return "".join(c if c.isalnum() else "-" for c in self.name.lower())[:63].strip("-")


class Held(Strict):
    """What is written down for an owner besides its nodes."""

    owner: str
    note: str = ""
    published: tuple[str, ...] = ()
    """Names of nodes whose address is shown as a public one."""


class Book:
    """The records of one world, under ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes = directory / "nodes"
        self.locks = directory / "locks"
        self.owners = directory / "owners"

    def world(self) -> World | None:
        """The world's record; None before the first create."""
        file = self.directory / "world.json"
        return _parsed(World, file) if file.exists() else None

    def found(self, world: World) -> None:
        """Write the world's record."""
        _write(self.directory / "world.json", world)

    def folder(self, name: str) -> Path:
        """Where a node's files are."""
        return self.nodes / name

    def lock(self, name: str) -> Path:
        """The file that whoever works on a node holds."""
        return self.locks / f"{digest_of(name.encode())[:16]}.lock"

    def read(self, name: str) -> Record | None:
        """The node's record; None when nothing has been made. Raises Terminal when it is damaged."""
        try:
            return _parsed(Record, self.folder(name) / "node.json")
        except FileNotFoundError:
            return None

    def write(self, record: Record) -> None:
        """Write the node's record, durably and as a whole."""
        _write(self.folder(record.name) / "node.json", record)

    def names(self) -> list[str]:
        """Names with a folder, whole or not."""
        if not self.nodes.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self.nodes) if not entry.name.startswith("."))

    def records(self) -> Iterator[Record]:
        """Every node's record. Raises Terminal at a damaged one."""
        for name in self.names():
            record = self.read(name)
            if record is not None:
                yield record

    def holdings(self) -> list[Held]:
        """What is written down for every owner. Raises Terminal at a damaged record."""
        return [_parsed(Held, file) for file in sorted(self.owners.glob("*.json"))]

    def held(self, owner: str) -> Held:
        """What is written down for one owner."""
        file = self._owner(owner)
        return _parsed(Held, file) if file.exists() else Held(owner=owner)

    def hold(self, held: Held) -> None:
        """Write down what is kept for an owner."""
        _write(self._owner(held.owner), held)

    def drop(self, owner: str) -> None:
        """Forget an owner."""
        self._owner(owner).unlink(missing_ok=True)

    def _owner(self, owner: str) -> Path:
        return self.owners / f"{digest_of(owner.encode())}.json"

    def strike(self, name: str) -> None:
        """Take a node's folder away: first out of sight in one step, then its files."""
        hidden = self.nodes / f".gone-{digest_of(name.encode())[:16]}"
        shutil.rmtree(hidden, ignore_errors=True)
        if self.folder(name).exists():
            self.folder(name).rename(hidden)
            shutil.rmtree(hidden)


def _parsed(kind: type[T], file: Path) -> T:
    content = file.read_bytes()
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise Terminal(
            f"{file.parent.name}/{file.name} is damaged: {error.errors(include_url=False)[0]['msg']}"
        ) from error


def _write(file: Path, value: Strict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    with temporary.open("wb") as out:
        out.write(encode(value.model_dump(mode="json")))
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(file)
