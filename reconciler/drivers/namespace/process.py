"""Processes by id and start time: an id alone may belong to somebody else by now."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its id and its start time in clock ticks since boot (field 22 of /proc/<pid>/stat)."""

    pid: int
    started: int

    @classmethod
    def read(cls, file: Path) -> Process | None:
        """The process that wrote ``file``; None when none did."""
        try:
            written = json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        return cls(written["pid"], written["started"])

    def is_alive(self) -> bool:
        """True while that very process runs; a zombie does not."""
        try:
            after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return after_name[0] not in "ZX" and int(after_name[19]) == self.started

    def kill(self, seconds: float = 5.0) -> None:
        """Kill it and wait for its end, at most ``seconds``."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.is_alive():
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                    select.select([descriptor], [], [], seconds)
            finally:
                os.close(descriptor)
