"""Appliances: image files, fetched into a temporary file and verified before any cloud is given them.

Clouds that want the same content at the same time share one download, which goes with its last user.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from reconciler.drivers import fetch
from reconciler.errors import Terminal, Transient
from reconciler.ports import Appliance, Source

ALGORITHMS = ("md5", "sha256", "sha512")
_SIGNS = {"qcow2": b"QFI\xfb"}
"""First bytes of formats that have some: a web page that says 200 is no image."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file whose checksums are the ones expected."""

    path: Path
    size: int
    checksums: frozenset[str]
    """``md5:``, ``sha256:`` and ``sha512:<hex>``."""


@dataclass
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    fetched: Fetched | None = None


_HELD: dict[tuple[str, Appliance], _Held] = {}
_HOLDING = threading.Lock()


@contextmanager
def fetched(appliance: Appliance, directory: str, progress: Progress | None = None) -> Iterator[Fetched]:
    """The verified file of an appliance, under ``directory`` ("": the system's), while the context lasts.

    Raises Transient when it may come later, Terminal when it is not there or not what it must be.
    """
    key = (directory, appliance)
    with _HOLDING:
        held = _HELD.setdefault(key, _Held())
        held.users += 1
    try:
        with held.lock:
            if held.fetched is None:
                held.fetched = _fetch(appliance, directory, progress or _unheard)
        yield held.fetched
    finally:
        with _HOLDING:
            held.users -= 1
            if not held.users:
                del _HELD[key]
                if held.fetched is not None:
                    held.fetched.path.unlink(missing_ok=True)


def _fetch(appliance: Appliance, directory: str, progress: Progress) -> Fetched:
    """Download into a file that goes again when anything is wrong with it."""
    path = _temporary(directory)
    try:
        found = _download(appliance, path, progress)
        _verify(appliance, found)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return found


def _temporary(directory: str) -> Path:
    try:
        if directory:
            Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix="hanse-image-", dir=directory or None, delete=False) as file:
            return Path(file.name)
    except OSError as error:
        raise Transient(f"no temporary file for an image: {error}") from error


def _download(appliance: Appliance, path: Path, progress: Progress) -> Fetched:
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in ALGORITHMS}
    size, most = 0, appliance.size
    with fetch.pieces(Source(appliance.url)) as pieces, _written(path, appliance) as file:
        for piece in pieces:
            size += len(piece)
            if most is not None and size > most:
                raise Terminal(f"{fetch.shown(appliance.url)} has more than the {most} bytes expected")
            file.write(piece)
            for one in sums.values():
                one.update(piece)
            progress(len(piece))
    return Fetched(path, size, frozenset(f"{name}:{one.hexdigest()}" for name, one in sums.items()))


@contextmanager
def _written(path: Path, appliance: Appliance) -> Iterator[BinaryIO]:
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise fetch.out_of_space(f"no room for {fetch.shown(appliance.url)} in {path.parent}: {error}") from error


def _verify(appliance: Appliance, found: Fetched) -> None:
    """Raise Terminal when the file is not what is expected, naming what it is instead."""
    where = fetch.shown(appliance.url)
    if appliance.size is not None and found.size != appliance.size:
        raise Terminal(f"{where} has {found.size} bytes, not the {appliance.size} expected")
    for checksum in sorted(appliance.checksums - found.checksums):
        algorithm = checksum.partition(":")[0]
        instead = next((c for c in found.checksums if c.startswith(f"{algorithm}:")), "no such checksum")
        raise Terminal(f"{where} has {instead}, not the {checksum} expected: nothing was uploaded")
    sign = _SIGNS.get(appliance.format, b"")
    with found.path.open("rb") as file:
        if file.read(len(sign)) != sign:
            raise Terminal(f"{where} is not in the format {appliance.format}: nothing was uploaded")


def _unheard(_count: int) -> None:
    """Nobody wants to know how far it has come."""
