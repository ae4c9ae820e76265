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
"""Seconds within which a new file may not yet be locked."""
_DAY = 86400.0


@contextmanager
def arriving(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new locked file in ``folder``; what is still there in the end is removed."""
    path = folder / f"{secrets.token_hex(16)}.part"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            with suppress(OSError):  # a file system without locks: age alone tells then
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield path, stream
    finally:
        path.unlink(missing_ok=True)


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
                stat = entry.stat(follow_symlinks=False)
                if _abandoned(Path(entry.path), now - stat.st_mtime):
                    forget(stat.st_ino)
                    Path(entry.path).unlink()


def forget_landings(folder: Path, now: float) -> None:
    """Remove what others have written and nobody took in for a day, since it last grew."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if now - entry.stat(follow_symlinks=False).st_mtime > _DAY:
                    Path(entry.path).unlink()


def _abandoned(path: Path, age: float) -> bool:
    if age < _SETTLING:
        return False
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return age > _DAY
    return True
