"""Files of a directory: read without a trace, written so that a power cut leaves all of it or nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from reconciler.drivers.directory.index import Row
from reconciler.drivers.fetch import PIECE, Tally
from reconciler.ports import Copy


def tallied(stream: BinaryIO) -> Tally:
    """Size and checksums of what is left of a stream."""
    tally = Tally()
    while piece := stream.read(PIECE):
        tally.add(piece)
    return tally


def checked(file: Path) -> tuple[os.stat_result, frozenset[str]]:
    """The file's stat and checksums; no checksums while somebody is writing it."""
    tally = Tally()
    descriptor = _opened(file)
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        if not S_ISREG(before.st_mode):
            raise FileNotFoundError(file)
        while piece := stream.read(PIECE):
            tally.add(piece)
        after = os.fstat(descriptor)
    still = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return after, tally.checksums if still else frozenset()


def _opened(file: Path) -> int:
    """Open a file, without that counting as an access where the system can leave it out."""
    flags = os.O_RDONLY | os.O_NOFOLLOW
    try:
        return os.open(file, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # it belongs to somebody else
        return os.open(file, flags)


def synced(copy: Copy, stream: BinaryIO, tally: Tally, now: float) -> Row:
    """Bring the bytes to the disk. The time stamp is a whole second, so that any later write shows."""
    stream.flush()
    os.utime(stream.fileno(), (int(now), int(now)))
    os.fsync(stream.fileno())
    stat = os.fstat(stream.fileno())
    return Row(copy.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, tally.checksums, copy.uid)


def renamed(part: Path, goal: Path, inside: Callable[[Path], None]) -> None:
    """Show a file under its name, durably. ``inside`` raises for a name that leads elsewhere."""
    for attempt in range(10):
        inside(goal)
        goal.parent.mkdir(parents=True, exist_ok=True)
        inside(goal)
        try:
            part.replace(goal)
        except FileNotFoundError:  # a remove beside us took the empty folder away
            if attempt == 9:  # noqa: PLR2004
                raise
            continue
        sync_folder(goal.parent)
        return


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def removed_empty(folder: Path) -> bool:
    """Take a folder away if it is empty; whether it is gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # not empty, or not ours to take away
        return False
    return True


def first_written(file: Path, text: str) -> None:
    """Write the file whole, unless somebody was first."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    part.write_text(text, encoding="ascii")
    with suppress(FileExistsError):
        file.hardlink_to(part)
    part.unlink()
