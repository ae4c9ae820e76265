"""When to reconcile: at intervals with jitter, at once when git moved, and never again after a stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from reconciler.daemon.queue import Settling
from reconciler.errors import HanseError, LeaseHeld

_log = structlog.get_logger()
AGAIN = 5.0
"""Seconds until what has failed beside the loop is begun again."""


@dataclass
class Bell:
    """Wakes the loop: something moved, or it is to stop."""

    stop: threading.Event = field(default_factory=threading.Event)
    """When set, no further step begins, and a step under way is asked to finish."""
    rung: threading.Event = field(default_factory=threading.Event)
    within: Bell | None = None
    settling: Settling | None = None
    """Rings that come close together are one, where somebody says how close."""

    def term(self) -> Bell:
        """A bell for one term of leading: it ends by itself, and with this one."""
        self.within = Bell()
        if self.stop.is_set():
            self.within.end()
        return self.within

    def ring(self) -> None:
        """Something moved: do not wait for the interval."""
        if self.settling is not None:
            self.settling.call()
        self.rung.set()

    def end(self) -> None:
        """Stop."""
        self.stop.set()
        self.rung.set()
        if self.within is not None:
            self.within.end()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until something moves and it is quiet again."""
        self.rung.wait(seconds)
        while self.settling is not None and (left := self.settling.left()):
            if self.stop.wait(left):
                break
        self.rung.clear()
        if self.settling is not None:
            self.settling.answered()


@dataclass(frozen=True)
class Rhythm:
    """How often. Times in seconds; ``randomness`` returns numbers in 0..1."""

    interval: float
    jitter: float
    randomness: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    soon: Callable[[], float | None] = lambda: None
    """Seconds between two steps, where that is less than the interval."""
    due: Callable[[], float | None] = lambda: None
    """Seconds from now until something is due."""

    def rest(self, began: float, *, failed: bool = False) -> float:
        """How long to wait after a step that began at ``began``: intervals count from beginning to beginning.

        After one that failed it is the whole interval: what is due stays so.
        """
        soon, due = (None, None) if failed else (self.soon(), self.due())
        interval = self.interval if soon is None else min(soon, self.interval)
        rest = max(0.0, interval * (1 + self.jitter * self.randomness()) - (self.clock() - began))
        return rest if due is None else min(rest, due)


def keep(step: Callable[[], None], bell: Bell, rhythm: Rhythm) -> None:
    """Repeat ``step`` until the bell says stop. A step that fails is logged, and tried again when its time comes.

    Raises LeaseHeld when this process lost its lease: then somebody else does the work.
    """
    while not bell.stop.is_set():
        began, failed = rhythm.clock(), True
        try:
            step()
            failed = False
        except LeaseHeld:
            raise
        except HanseError as error:
            _log.error("not reconciled", why=str(error), error=type(error).__name__)
        except Exception:  # noqa: BLE001 (the outermost loop: it is logged whole, and the loop lives)
            _log.exception("not reconciled: this is a fault of Hanse")
        if not bell.stop.is_set():
            bell.wait(rhythm.rest(began, failed=failed))


@contextmanager
def going_on(those: Sequence[Callable[[Bell], None]], bell: Bell, again: float = AGAIN) -> Iterator[None]:
    """Probes and notifications go on in threads of their own: a long apply must not make services look unwatched.

    One that fails, because the database is away for a while, say, is logged and begun again.
    """
    threads = [threading.Thread(target=_going_on, args=(one, bell, again), name="beside", daemon=True) for one in those]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        bell.end()
        for thread in threads:
            thread.join()


def _going_on(one: Callable[[Bell], None], bell: Bell, again: float) -> None:
    while not bell.stop.is_set():
        try:
            one(bell)
        except HanseError as error:
            _log.error("begun again soon", why=str(error), error=type(error).__name__)
        except Exception:  # noqa: BLE001 (the outermost frame of a thread: it is logged whole, and the thread lives)
            _log.exception("begun again soon: this is a fault of Hanse")
        else:
            return
        bell.stop.wait(again)
