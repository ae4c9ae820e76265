"""Storages tell when data comes or goes: the loop is woken soon, and looks by itself.

Followed are the folders that datasets are listed from, and those of replicas. Directories tell by inotify; another
storage says in its option ``events`` how it tells: ``{driver: dcache, ...}``, or ``{driver: polling, seconds: 300}``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog

from reconciler.errors import DriverError, Transient
from reconciler.kinds.base import Federation
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.replica.connect import connect, target_id
from reconciler.model import Ref, Target
from reconciler.ports import Drivers, StorageEvent

_log = structlog.get_logger()
QUIET, LONGEST = 1.0, 10.0
"""Seconds without a further event after which the loop is woken; seconds after which it is woken in any case."""
_WAITS = (5.0, 15.0, 60.0, 300.0)
"""Seconds before a storage that has fallen silent is asked again."""
_DEFAULT = {"directory": "inotify"}


@dataclass(frozen=True)
class Interest:
    """What of one storage is followed, and whom it concerns."""

    target: Target
    folders: Mapping[str, frozenset[Ref]]

    def concerned(self, path: str) -> frozenset[Ref]:
        """The resources that a file belongs to; all of them where the storage does not say which file."""
        if not path:
            return frozenset().union(*self.folders.values())
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return frozenset().union(*(self.folders.get(folder, frozenset()) for folder in above))


def interests(federation: Federation, drivers: Drivers) -> dict[str, Interest]:
    """Storage id -> what of it is followed."""
    wanted: dict[str, dict[str, set[Ref]]] = {}
    for ref, spec in federation.of_kind("Dataset"):
        if isinstance(spec, DatasetSpec) and spec.listing is not None:
            where = target_id(spec.listing.site, spec.listing.storage)
            wanted.setdefault(where, {}).setdefault(spec.listing.path, set()).add(ref)
    for ref, spec in federation.of_kind("Replica"):
        if isinstance(spec, ReplicaSpec) and not spec.layout.scope:  # a whole scope of others' files is not followed
            where, folder = target_id(spec.storage.site, spec.storage.name), spec.folder or spec.path or ""
            wanted.setdefault(where, {}).setdefault(folder, set()).add(ref)
    found = {}
    for where, folders in wanted.items():
        target = _telling(connect(where, federation, drivers))
        if target is not None:
            found[where] = Interest(target, {folder: frozenset(refs) for folder, refs in sorted(folders.items())})
    return found


def _telling(storage: Target) -> Target | None:
    """The storage as the events port knows it; None when it tells nothing."""
    said = dict(storage.options.get("events") or {})
    driver = str(said.get("driver") or _DEFAULT.get(storage.driver, "none"))
    if driver == "none":
        return None
    polled = {"of": storage.driver, "seconds": said.get("seconds", 300.0)} if driver == "polling" else {}
    return Target(storage.id, driver, {**storage.options, **polled})


class Waker:
    """Rings once for many events, soon after the last of them. ``clock`` reads seconds."""

    def __init__(
        self,
        ring: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        concerned: Callable[[Collection[Ref]], None] = lambda _refs: None,
    ) -> None:
        self._ring, self._clock, self._concerned = ring, clock, concerned
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._first = 0.0
        self._refs: set[Ref] = set()

    def wake(self, refs: frozenset[Ref]) -> None:
        """Something has happened that concerns ``refs``."""
        with self._lock:
            now = self._clock()
            if self._timer is not None:
                self._timer.cancel()
            else:
                self._first = now
            self._refs |= refs
            self._timer = threading.Timer(max(0.0, min(QUIET, self._first + LONGEST - now)), self._fire)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Ring no more."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _fire(self) -> None:
        with self._lock:
            refs, self._refs, self._timer = sorted(self._refs), set(), None
        _log.info("data has moved", concerned=refs[:10], number=len(refs))
        self._concerned(refs)
        self._ring()


@dataclass
class _Following:
    interest: Interest
    thread: threading.Thread
    stop: threading.Event = field(default_factory=threading.Event)


class Noticer:
    """Follows storages in threads of their own."""

    def __init__(
        self,
        drivers: Drivers,
        ring: Callable[[], None],
        concerned: Callable[[Collection[Ref]], None] = lambda _refs: None,
    ) -> None:
        """``concerned`` is told whom events concern, before ``ring`` is called."""
        self._drivers, self._waker = drivers, Waker(ring, concerned=concerned)
        self._followed: dict[str, _Following] = {}

    def follow(self, wanted: Mapping[str, Interest]) -> None:
        """Follow these storages, and no others. What is followed already as it should be goes on."""
        for where, following in list(self._followed.items()):
            if wanted.get(where) != following.interest:
                following.stop.set()
                del self._followed[where]
        for where, interest in wanted.items():
            if where not in self._followed:
                self._start(where, interest)

    def end(self) -> None:
        """Follow nothing any more."""
        self._waker.end()
        for following in self._followed.values():
            following.stop.set()
        for following in self._followed.values():
            following.thread.join(3)
        self._followed.clear()

    def _start(self, where: str, interest: Interest) -> None:
        """Follow a storage from now on; what has come since it was read is looked for."""
        stop = threading.Event()
        thread = threading.Thread(target=self._keep, args=(interest, stop), name=f"events {where}", daemon=True)
        self._followed[where] = _Following(interest, thread, stop)
        thread.start()
        self._waker.wake(interest.concerned(""))

    def _keep(self, interest: Interest, stop: threading.Event) -> None:
        """Follow one storage; after it has fallen silent, what may have been missed is looked for."""

        def told(event: StorageEvent) -> None:
            refs = interest.concerned(event.path)
            if refs and not stop.is_set():
                self._waker.wake(refs)

        failures = 0
        while not stop.is_set():
            began = time.monotonic()
            try:
                self._drivers.events(interest.target).follow(interest.folders, told, stop)
            except Transient as error:
                failures = 1 if time.monotonic() - began > _WAITS[-1] else failures + 1
                wait = _WAITS[min(failures, len(_WAITS)) - 1]
                _log.warning("no events for a while", storage=interest.target.id, why=str(error), seconds=wait)
                stop.wait(wait)
                told(StorageEvent(""))
            except DriverError as error:
                _log.warning("no events: only the interval counts", storage=interest.target.id, why=str(error))
                return
            else:
                return
