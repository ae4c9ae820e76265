"""Every process that a run started, however it detached itself: Ansible's workers and ssh's masters leave their group.

A run's processes carry its handle in their environment, which children inherit. Linux only (/proc).
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "HANSE_RUN"
END_SECONDS = 5.0


def processes(handle: str) -> Iterator[int]:
    """Ids of the run's living processes, our own left out."""
    mark = f"{MARK}={handle}".encode()
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and int(place.name) != os.getpid() and mark in _environment(place):
            yield int(place.name)


def _environment(place: Path) -> list[bytes]:
    try:
        return (place / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def kill(handle: str) -> bool:
    """Kill them all; those that they start meanwhile too. False when some do not end."""
    until = time.monotonic() + END_SECONDS
    while left := list(processes(handle)):
        for pid in left:
            _kill(pid)
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def scratch(handle: str) -> Path:
    """The run's folder in memory, for sockets and for what Ansible writes down on its way to a host."""
    memory = Path("/dev/shm")  # noqa: S108
    return (memory if os.access(memory, os.W_OK) else Path("/tmp")) / f"hanse-{handle}"  # noqa: S108


def clear(handle: str) -> None:
    """Take away what a run that was killed left outside its directory."""
    kill(handle)
    shutil.rmtree(scratch(handle), ignore_errors=True)
