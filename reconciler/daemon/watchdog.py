"""The watchdog of the loop itself: a round in which nothing moves is told, and systemd starts the service anew.

A round moves when a target was read, a call of a back end returned, or the loop of an apply waits for nothing but time.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from reconciler.daemon.systemd import Systemd

_log = structlog.get_logger()
_LOOK = 2.0
"""Seconds between two looks at most."""


@dataclass
class Pulse:
    """When something moved last. ``clock`` reads seconds; any thread may tell."""

    clock: Callable[[], float] = time.monotonic
    at: float = 0.0
    """Clock reading of the last progress."""
    busy: bool = False
    """Whether a round is under way: between two of them nothing need move."""

    def move(self) -> None:
        """Something has moved."""
        self.at = self.clock()

    @contextmanager
    def round(self) -> Iterator[None]:
        """A round goes on while the block runs."""
        self.move()
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
            self.move()

    @property
    def still(self) -> float:
        """Seconds since something moved in the round under way; 0 between two rounds."""
        return max(0.0, self.clock() - self.at) if self.busy else 0.0


@dataclass
class Watchdog:
    """Looks at the progress of the loop from a thread of its own."""

    pulse: Pulse
    stall_seconds: float
    """So long a round may stand still; 0 for any time."""
    systemd: Systemd = field(default_factory=Systemd)
    stalled: bool = False
    """Whether the round under way stands still for too long."""

    def look(self) -> None:
        """Look once: feed systemd, or tell once that nothing moves and what every thread does."""
        still = self.pulse.still
        if not self.stall_seconds or still <= self.stall_seconds:
            if self.stalled:
                _log.warning("the round moves again")
            self.stalled = False
            if self.systemd.patience:
                self.systemd.alive()
            return
        if not self.stalled:
            self.stalled = True
            _log.error("the round stands still", seconds=round(still, 1), threads=stacks())
            self.systemd.says(f"the round has stood still for {still:.0f} s")

    def keep(self, ended: threading.Event, stopping: Callable[[], bool] = lambda: False) -> None:
        """Look again and again until ``ended``, often enough for systemd; it is told once when ``stopping``."""
        times = [_LOOK, *(span / 4 for span in (self.stall_seconds, self.systemd.patience) if span)]
        told = False
        while not ended.is_set():
            if stopping() and not told:
                told = True
                self.systemd.stopping()
            self.look()
            ended.wait(min(times))
        if not told:
            self.systemd.stopping()


def stacks() -> dict[str, str]:
    """What every thread of this process does: its name and number, then where it is; no values are told."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        f"{names.get(number, 'unknown')} ({number})": "".join(traceback.format_stack(frame))
        for number, frame in sys._current_frames().items()  # noqa: SLF001 (the documented way to them)
    }
