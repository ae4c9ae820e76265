"""Files that are still arriving: under ``.hanse/incoming``, in the same file system, never listed.

Each is locked by the process that writes it. A kill drops the lock, so what was left behind is told from what is
still being written, and swept.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_SETTLING = 60.0
"""Seconds within which a new file may not yet be locked. It is called ``.part`` only once it is."""
_DAY = 86400.0


@contextmanager
def arriving(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new locked file in ``folder``; what is still there in the end is removed."""
    path = folder / f"{secrets.token_hex(16)}.part"
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _lock(stream)
            new.rename(path)
            yield path, stream
    finally:
        new.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


@contextmanager
def taken(landing: Path, folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """What another has written at ``landing``, locked and moved to ``folder``; gone in the end if it is there still."""
    path = folder / f"{secrets.token_hex(16)}.part"
    with landing.open("r+b") as stream:
        _lock(stream)
        os.utime(landing)
        landing.replace(path)
        try:
            yield path, stream
        finally:
            path.unlink(missing_ok=True)


def _lock(stream: BinaryIO) -> None:
    with suppress(OSError):  # a file system without locks: age alone tells then
        fcntl.flock(stream, fcntl.LOCK_EX)


def inodes(folder: Path) -> set[int]:
    """The inodes of all files that are arriving in ``folder``."""
    with os.scandir(folder) as entries:
        return {entry.inode() for entry in entries}


def sweep(folder: Path, now: float, forget: Callable[[int], None]) -> None:
    """Remove what nobody writes any more. ``now`` is seconds since the epoch.

    ``forget`` is told each inode before it is free: a moment later it may be another file's.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                path, stat = Path(entry.path), entry.stat(follow_symlinks=False)
                age = now - stat.st_mtime
                if path.suffix == ".part" or age >= _SETTLING:
                    _sweep_one(path, age, forget)


def _sweep_one(path: Path, age: float, forget: Callable[[int], None]) -> None:
    """Remove a file that nobody has locked. Our own lock is held until it is gone: two who sweep never meet."""
    with path.open("r+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            if age <= _DAY:
                return
        inode = os.fstat(stream.fileno()).st_ino
        if path.stat().st_ino == inode:
            forget(inode)
            path.unlink()


def forget_landings(folder: Path, now: float) -> None:
    """Remove what others have written and nobody took in for a day, since it last grew."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if now - entry.stat(follow_symlinks=False).st_mtime > _DAY:
                    Path(entry.path).unlink()
