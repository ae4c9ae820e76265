"""The queue that SSM sends from: files in a directory, laid out as dirq's QueueSimple does.

An element appears under its name only when it is whole. Names are ``<8 hex>/<14 hex>``: the time, and one random digit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

_MINUTE = 60


def put(folder: Path, content: bytes, clock: Callable[[], datetime], randomness: Callable[[int], str]) -> Path:
    """Add one message; returns its file. ``randomness(n)`` gives 2n hex digits. Raises OSError."""
    while True:
        now = clock().timestamp()
        seconds, micros = divmod(int(now * 1_000_000), 1_000_000)
        into = folder / f"{seconds - seconds % _MINUTE:08x}"
        into.mkdir(parents=True, exist_ok=True)
        name = f"{seconds:08x}{micros:05x}{randomness(1)[0]}"
        if not (into / name).exists():
            return _placed(into, name, content)


def _placed(into: Path, name: str, content: bytes) -> Path:
    new = into / f"{name}.tmp"
    with new.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(into / name)
    return into / name


def elements(folder: Path) -> tuple[Path, ...]:
    """Whole messages, oldest first; those that somebody is reading included."""
    return tuple(sorted(path for path in folder.glob("????????/??????????????") if path.is_file()))


@contextmanager
def taken(element: Path) -> Iterator[bytes | None]:
    """The content of one message, held so that no other sender takes it, and removed when nothing is raised.

    None: another sender has it, or had it.
    """
    lock = element.with_name(f"{element.name}.lck")
    try:
        lock.hardlink_to(element)
    except (FileExistsError, FileNotFoundError):
        yield None
        return
    try:
        yield element.read_bytes()
        element.unlink()
    finally:
        lock.unlink()
