"""Fetches when it is called or when the time has come; many calls close together are one fetch.

It runs beside the loop: a long apply does not hold it up, and what does not come leaves everything as it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from reconciler import source
from reconciler.daemon.queue import Settling
from reconciler.errors import HanseError
from reconciler.model import SecretRef
from reconciler.settings import Source

_log = structlog.get_logger()
QUIET, LONGEST = 0.4, 5.0
"""Seconds without a further call after which they count as one; seconds after which they do in any case."""


def fetch(settings: Source, secret: Callable[[SecretRef], str], refs: Sequence[str] = source.BRANCHES) -> bool:
    """Fetch ``refs`` of what the settings name; False when nothing has moved.

    Raises SourceError, or DriverError for a secret.
    """
    if not settings.remote:
        return False
    password = secret(settings.password) if settings.password else ""
    remote = source.Remote(settings.remote, settings.username, password, settings.ca)
    return source.fetch(Path(settings.repository), remote, refs)


@dataclass
class Fetcher:
    """Keeps the repository as its remote is."""

    settings: Source
    secret: Callable[[SecretRef], str]
    moved: Callable[[], None]
    """Called when something may have moved."""
    failed: Callable[[str], None] = lambda _why: None
    """Told why nothing could be fetched; "" when that is over."""
    settling: Settling = field(default_factory=lambda: Settling(QUIET, LONGEST, time.monotonic))
    """When many calls count as one."""
    called: threading.Event = field(default_factory=threading.Event)

    def call(self) -> None:
        """Fetch soon."""
        self.settling.call()
        self.called.set()

    def bring(self, refs: Sequence[str]) -> bool:
        """Fetch other refs than branches. Raises SourceError, or DriverError for a secret."""
        return fetch(self.settings, self.secret, refs)

    def now(self) -> bool:
        """Fetch, and say whether something moved. What goes wrong is logged, and nothing has moved then."""
        try:
            moved = fetch(self.settings, self.secret)
        except HanseError as error:
            _log.warning("not fetched: what was fetched before counts", why=str(error))
            self._note(str(error))
            return False
        self._note("")
        return moved

    def _note(self, why: str) -> None:
        """Write down how it went; a database that does not answer is told of, and keeps nothing from being fetched."""
        try:
            self.failed(why)
        except HanseError as error:
            _log.warning("not written down how fetching goes", why=str(error))

    def keep(self, seconds: float, stop: threading.Event) -> None:
        """Go on until ``stop``: fetch when it is quiet after calls, and every ``seconds`` without one."""
        while not stop.is_set():
            called = self._wait(seconds, stop)
            if stop.is_set():
                return
            self.settling.answered()
            self.called.clear()
            if self.now() or (called and not self.settings.remote):
                self.moved()

    def _wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait for calls to end, at most so long for the first; a stop is seen within a second."""
        ends = time.monotonic() + seconds
        while not stop.is_set():
            quiet = self.settling.left()
            if quiet is not None and quiet <= 0:
                return True
            left = ends - time.monotonic()
            if quiet is not None:
                stop.wait(min(quiet, 1.0))
            elif left <= 0:
                return False
            else:
                self.called.wait(min(left, 1.0))
        return False
