"""When to reconcile: at intervals with jitter, at once when git moved, and never again after a stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from reconciler.errors import HanseError, LeaseHeld

_log = structlog.get_logger()


@dataclass
class Bell:
    """Wakes the loop: something moved, or it is to stop."""

    stop: threading.Event = field(default_factory=threading.Event)
    """When set, no further step begins, and a step under way is asked to finish."""
    rung: threading.Event = field(default_factory=threading.Event)
    within: Bell | None = None

    def term(self) -> Bell:
        """A bell for one term of leading: it ends by itself, and with this one."""
        self.within = Bell()
        if self.stop.is_set():
            self.within.end()
        return self.within

    def ring(self) -> None:
        """Something moved: do not wait for the interval."""
        self.rung.set()

    def end(self) -> None:
        """Stop."""
        self.stop.set()
        self.rung.set()
        if self.within is not None:
            self.within.end()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until something moves."""
        self.rung.wait(seconds)
        self.rung.clear()


@dataclass(frozen=True)
class Rhythm:
    """How often. Times in seconds; ``randomness`` returns numbers in 0..1."""

    interval: float
    jitter: float
    randomness: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    soon: Callable[[], float | None] = lambda: None
    """Seconds until the next step, where that is less than the interval."""

    def rest(self, began: float) -> float:
        """How long to wait after a step that began at ``began``: intervals count from beginning to beginning."""
        soon = self.soon()
        interval = self.interval if soon is None else min(soon, self.interval)
        return max(0.0, interval * (1 + self.jitter * self.randomness()) - (self.clock() - began))


def keep(step: Callable[[], None], bell: Bell, rhythm: Rhythm) -> None:
    """Repeat ``step`` until the bell says stop. A step that fails is logged, and tried again when its time comes.

    Raises LeaseHeld when this process lost its lease: then somebody else does the work.
    """
    while not bell.stop.is_set():
        began = rhythm.clock()
        try:
            step()
        except LeaseHeld:
            raise
        except HanseError as error:
            _log.error("not reconciled", why=str(error), error=type(error).__name__)
        except Exception:  # noqa: BLE001 (the outermost loop: it is logged whole, and the loop lives)
            _log.exception("not reconciled: this is a fault of Hanse")
        if not bell.stop.is_set():
            bell.wait(rhythm.rest(began))
