"""Speed: how fast something has moved over the last seconds, and when it will be through."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from reconciler.model import Progress

_WINDOW = 10.0
"""Seconds over which a rate is taken."""
_APART = 0.25
"""Seconds between two samples."""


class Speed:
    """Counts bytes as they move. Safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` reads seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])
        self.moved = 0

    def add(self, count: int) -> None:
        """Count bytes; fewer when some of them have to move again."""
        with self._lock:
            self.moved += count
            self._sample()

    def reach(self, moved: int) -> None:
        """Say how many have moved in all."""
        with self._lock:
            self.moved = moved
            self._sample()

    def rate(self) -> float:
        """Bytes per second, over the last seconds."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            began, moved = self._samples[0]
            return max(0.0, (self.moved - moved) / (now - began)) if now > began else 0.0

    def progress(self, total: int, files: int, total_files: int) -> Progress:
        """How far that is of ``total`` bytes (0: not known)."""
        rate = self.rate()
        left = max(0, total - self.moved) / rate if total and rate >= 1 else None
        return Progress(self.moved, total or None, rate, left, files, total_files)

    def _sample(self) -> None:
        now = self._clock()
        if now - self._samples[-1][0] >= _APART:
            self._samples.append((now, self.moved))
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop what is older than the window, but for the last sample before it."""
        while len(self._samples) > 1 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()
        if len(self._samples) == 1 and self._samples[0][0] <= now - 2 * _WINDOW:
            self._samples[0] = (now - _WINDOW, self.moved)
