"""What is to be looked at, and when: one queue of resources and targets, beside which nothing decides about time.

Web hooks, the watch on files, storages and the clock only put something in; the loop alone takes out. What git changed
comes before what failed and is tried again, and that before what is read again because time has passed. Each item
stands in it once, at its most urgent. A resource goes by its Ref, a target that is to be read by its id.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Urgency(IntEnum):
    """Why something is to be looked at; what comes first is taken first."""

    CHANGED = 0
    """Git, or an event, moved it or something that it depends on."""
    RETRIED = 1
    """Its last action failed, or one that was begun wants a look."""
    PERIODIC = 2
    """Time has passed since it was read."""


@dataclass(frozen=True, slots=True)
class Beat:
    """How often, in seconds; ``jitter`` is the share of a time that randomness moves (0..1)."""

    interval: float = 60.0
    """Between two readings of one target when nothing happens."""
    first: float = 5.0
    """From a failure to the next try; doubled with each further one."""
    longest: float = 900.0
    """Between two tries at most."""
    jitter: float = 0.1
    together: float = 0.0
    """Readings that are due within so long of one another are made in one round."""

    def pause(self, failures: int, chance: float) -> float:
        """Seconds until the next try after so many failures in a row; never above ``longest``."""
        doubled = self.first * 2.0 ** min(failures - 1, 40)
        return min(self.longest, min(self.longest, doubled) * (1 - self.jitter * chance))


class Item(NamedTuple):
    """One thing in the queue."""

    urgency: Urgency
    due: float
    """Clock reading from which on it may be taken."""
    key: str
    since: float
    """Clock reading when it was put in, or became due; how long it waits counts from here."""


class Rest(NamedTuple):
    """What has failed and is left alone for a while."""

    failures: int
    until: float
    """Clock reading."""


@dataclass
class Queue:
    """The queue. Any thread may put in: one lock, held for a moment, and nothing is called under it.

    ``clock`` reads seconds, ``randomness`` returns numbers in 0..1, ``waited`` is told for each item that is taken how
    many seconds it had been due.
    """

    beat: Beat
    clock: Callable[[], float]
    randomness: Callable[[], float]
    waited: Callable[[Urgency, float], None] = lambda _urgency, _seconds: None
    _items: dict[str, Item] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def changed(self, keys: Iterable[str]) -> None:
        """These moved: they are due now, and what failed of them before counts no more."""
        now = self.clock()
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)
                self._put(Item(Urgency.CHANGED, now, key, now))

    def wanted(self, keys: Iterable[str]) -> None:
        """These want another look soon; what has failed waits for its time all the same."""
        now = self.clock()
        with self._lock:
            for key in keys:
                if not self._failures[key]:
                    self._put(Item(Urgency.RETRIED, now, key, now))
            self._failures += Counter()

    def failed(self, keys: Iterable[str]) -> None:
        """These went wrong: each is tried again after its own pause, which grows."""
        now = self.clock()
        with self._lock:
            for key in keys:
                self._failures[key] += 1
                due = now + self.beat.pause(self._failures[key], self.randomness())
                present = self._items.get(key)
                if present is None or present.urgency is not Urgency.CHANGED:
                    self._items[key] = Item(Urgency.RETRIED, due, key, due)

    def succeeded(self, keys: Iterable[str]) -> None:
        """These went well: what failed before counts no more, and nothing is left to be tried again."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)
                present = self._items.get(key)
                if present is not None and present.urgency is Urgency.RETRIED:
                    del self._items[key]

    def looked(self, targets: Collection[str], *, anew: bool = False) -> None:
        """These targets were read just now: each is read again one interval later.

        For the first time, or ``anew``, it is somewhere in the next interval, so that they spread.
        """
        now, beat = self.clock(), self.beat
        with self._lock:
            for target in targets:
                present = self._items.get(target)
                if present is not None and present.urgency is not Urgency.PERIODIC:
                    continue
                first = anew or present is None
                share = self.randomness() if first else 1 + beat.jitter * (self.randomness() - 0.5)
                due = now + beat.interval * share
                self._items[target] = Item(Urgency.PERIODIC, due, target, due)

    def only(self, keys: Collection[str]) -> None:
        """Forget everything but these: what git does not declare and nobody holds is not looked at."""
        known = frozenset(keys)
        with self._lock:
            self._items = {key: item for key, item in self._items.items() if key in known}
            self._failures = Counter({key: count for key, count in self._failures.items() if key in known})

    def take(self) -> tuple[Item, ...]:
        """Everything that is due, the most urgent first; with one periodic reading those that are nearly due."""
        now = self.clock()
        with self._lock:
            due = [item for item in self._items.values() if item.due <= now]
            if any(item.urgency is Urgency.PERIODIC for item in due):
                soon = now + self.beat.together
                late = (i for i in self._items.values() if now < i.due <= soon and i.urgency is Urgency.PERIODIC)
                due.extend(late)
            for item in due:
                del self._items[item.key]
        taken = tuple(sorted(due))
        for item in taken:
            self.waited(item.urgency, max(0.0, now - item.since))
        return taken

    @property
    def resting(self) -> Mapping[str, Rest]:
        """What has failed and is not due yet."""
        now = self.clock()
        with self._lock:
            waiting = (item for item in self._items.values() if item.due > now and self._failures[item.key])
            found = {item.key: Rest(self._failures[item.key], item.due) for item in waiting}
            self._failures += Counter()
        return found

    @property
    def failing(self) -> frozenset[str]:
        """What has failed, and neither succeeded nor changed since."""
        with self._lock:
            return frozenset(self._failures)

    @property
    def depth(self) -> Mapping[Urgency, int]:
        """How many stand in it, by urgency; what is not due yet counts too."""
        with self._lock:
            counts = Counter(item.urgency for item in self._items.values())
        return {urgency: counts[urgency] for urgency in Urgency}

    def soon(self) -> float | None:
        """Seconds until something is due; None while it is empty."""
        now = self.clock()
        with self._lock:
            first = min((item.due for item in self._items.values()), default=None)
        return None if first is None else max(0.0, first - now)

    def _put(self, item: Item) -> None:
        """Put in what is more urgent, or due earlier, than what stands there."""
        present = self._items.get(item.key)
        if present is None:
            self._items[item.key] = item
            return
        since = min(present.since, item.since) if present.due <= item.due else item.since
        self._items[item.key] = Item(min(present.urgency, item.urgency), min(present.due, item.due), item.key, since)


@dataclass
class Settling:
    """Many calls close together are one: it comes ``quiet`` seconds after the last, ``longest`` after the first."""

    quiet: float
    longest: float
    clock: Callable[[], float]
    _first: float | None = None
    _last: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self) -> None:
        """Somebody calls."""
        now = self.clock()
        with self._lock:
            self._first = now if self._first is None else self._first
            self._last = now

    def left(self) -> float | None:
        """Seconds until the calls count as one; None where nobody called."""
        with self._lock:
            if self._first is None:
                return None
            return max(0.0, min(self._last + self.quiet, self._first + self.longest) - self.clock())

    def answered(self) -> None:
        """What was called for is being done: later calls are new ones."""
        with self._lock:
            self._first = None
