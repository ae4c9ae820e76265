"""Fetches when it is called or when the time has come; many calls close together are one fetch.

It runs beside the loop: a long apply does not hold it up, and what does not come leaves everything as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from reconciler import source
from reconciler.errors import HanseError
from reconciler.model import SecretRef
from reconciler.settings import Source

_log = structlog.get_logger()
SETTLE = 1.0
"""Seconds between two fetches at least."""


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
    called: threading.Event = field(default_factory=threading.Event)

    def call(self) -> None:
        """Fetch soon."""
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
            self.failed(str(error))
            return False
        self.failed("")
        return moved

    def keep(self, seconds: float, stop: threading.Event, settle: float = SETTLE) -> None:
        """Go on until ``stop``: fetch at each call, and every ``seconds`` without one."""
        while not stop.is_set():
            called = self._wait(seconds, stop)
            if stop.is_set():
                return
            self.called.clear()
            if self.now() or (called and not self.settings.remote):
                self.moved()
            stop.wait(settle)

    def _wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait for a call, at most so long; a stop is seen within a second."""
        left = seconds
        while left > 0 and not stop.is_set():
            if self.called.wait(min(left, 1.0)):
                return True
            left -= 1.0
        return False
