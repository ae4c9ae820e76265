"""Copies that a transfer service makes: handed over file by file, followed together, taken in when they have landed.

A file is one job there, whose name follows from the replica, the path and the content: after a crash it is found again
under that name and not handed over twice. The service writes beside the files; what it says it has done is verified by
the storage before it stands under its name.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import (
    Copy,
    Drivers,
    Landing,
    Listing,
    MoveJob,
    Movement,
    Mover,
    Source,
    Space,
    Storage,
    StoredFile,
)

_SOONEST, _LATEST = 0.2, 5.0
"""Seconds between two looks, when something has just been handed over and later on."""
_BLIND = 600.0
"""Seconds for which a service may not answer before its copies are given up."""
_LOST = 3
"""Looks in a row that show nothing of a job, after which it is lost."""
_REMEMBERED = 100_000
_TRIES = 8
"""Earlier attempts looked for in one call."""


class Follower:
    """Looks at all jobs of one service together, as long as somebody waits for one. Safe between threads."""

    def __init__(self, opened: Callable[[], Mover]) -> None:
        self._opened, self._pause = opened, _SOONEST
        self._changed = threading.Condition()
        self._followed: Counter[str] = Counter()
        self._jobs: Mapping[str, MoveJob] = {}
        self._error: DriverError | None = None
        self._blind = 0.0
        self._running = False
        self._round = 0

    @contextmanager
    def following(self, job_id: str) -> Iterator[None]:
        """Have a job looked at while the block runs."""
        with self._changed:
            self._followed[job_id] += 1
            self._pause = _SOONEST
            if not self._running:
                self._running = True
                threading.Thread(target=self._follow, name="follow", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._followed[job_id] -= 1
                if not self._followed[job_id]:
                    del self._followed[job_id]

    def next(self, job_id: str, seen: int) -> tuple[int, MoveJob | None]:
        """The look after number ``seen``, and how the job stood then (None: not known there); ``seen`` after a while.

        Raises DriverError when the service refuses, or has not answered for long.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._round > seen or self._error is not None, timeout=2 * _LATEST)
            if self._error is not None:
                raise type(self._error)(str(self._error), reason=self._error.reason)
            return self._round, self._jobs.get(job_id)

    def _follow(self) -> None:
        """Look, tell, rest; end when nobody waits any more."""
        while True:
            with self._changed:
                ids = list(self._followed)
                if not ids:
                    self._running, self._error, self._blind = False, None, 0.0
                    return
            self._look(ids)
            time.sleep(self._pause)

    def _look(self, ids: Sequence[str]) -> None:
        jobs: Mapping[str, MoveJob] = {}
        error: DriverError | None = None
        try:
            jobs = self._opened().look(ids)
        except DriverError as raised:
            error = raised
        with self._changed:
            self._pause = min(_LATEST, self._pause * 1.2)
            self._blind = self._blind + self._pause if error else 0.0
            self._error = error if error and (isinstance(error, Terminal) or self._blind > _BLIND) else None
            if error is None:
                self._jobs = jobs
                self._round += 1
            self._changed.notify_all()


@dataclass
class Service:
    """A transfer service as this process knows it."""

    follower: Follower
    taken: set[str] = field(default_factory=set)
    """Ids of the jobs whose file has been taken in, as far as remembered: the storage would say so, too."""

    def taken_in(self, job_id: str) -> None:
        """Remember one."""
        if len(self.taken) >= _REMEMBERED:
            self.taken.clear()
        self.taken.add(job_id)


class Services:
    """The transfer services of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Service] = {}

    def service(self, target: Target, drivers: Drivers) -> Service:
        """The one behind a target."""
        key = (target.id, str(target.options.get("url", "")))
        with self._lock:
            if key not in self._known:
                self._known[key] = Service(Follower(lambda: drivers.mover(target)))
            return self._known[key]


SERVICES = Services()
_USUAL = 3
"""The priority of what nobody hurries."""


def handed(storage: Storage, target: Target, drivers: Drivers) -> Storage:
    """The storage, its copies made by the transfer service that its options name (``transfers: fts:NAME``), if any."""
    name = target.options.get("transfers")
    if not name:
        return storage
    driver, options = drivers.options(str(name), "")
    return Handed(storage, Target(str(name), driver, options), drivers)


@dataclass(frozen=True)
class Handed:
    """A storage whose copies a transfer service makes."""

    storage: Storage
    by: Target
    drivers: Drivers

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:
        """As the storage."""
        return self.storage.listing(prefixes, token)

    def source(self, path: str) -> Source:
        """As the storage."""
        return self.storage.source(path)

    def space(self) -> Space:
        """As the storage."""
        return self.storage.space()

    def mark(self, path: str, uid: str) -> None:
        """As the storage."""
        self.storage.mark(path, uid)

    def remove(self, path: str) -> None:
        """As the storage."""
        self.storage.remove(path)

    def copy_in(self, copy: Copy) -> StoredFile:
        """Have the service copy one file, wait for it, and take in what has landed.

        What the service cannot read (bytes in the manifest; a public URL, where the storage wants tokens) comes the
        storage's own way.
        """
        if not isinstance(self.storage, Landing):
            raise Terminal(f"a transfer service cannot write to this storage: take transfers: {self.by.id} away")
        landing = self.storage.landing(copy.path, copy.uid)
        if urlsplit(copy.source.url).scheme == "data" or bool(copy.source.headers) != bool(landing.headers):
            return self.storage.copy_in(copy)
        service, mover = SERVICES.service(self.by, self.drivers), self.drivers.mover(self.by)
        handing = _Handing(copy, landing, mover, service)
        job_id, fresh = handing.found_or_submitted()
        if not fresh:
            try:
                return self._taken(handing, job_id)
            except Conflict:  # an earlier file of the same name, taken in long ago
                service.taken_in(job_id)
                job_id, _ = handing.found_or_submitted()
        return self._taken(handing, job_id)

    def _taken(self, handing: _Handing, job_id: str) -> StoredFile:
        assert isinstance(self.storage, Landing)  # noqa: S101 (copy_in has looked)
        handing.follow(job_id)
        there = self.storage.land(handing.copy)
        handing.service.taken_in(job_id)
        return there


@dataclass(frozen=True)
class _Handing:
    """One file on its way."""

    copy: Copy
    landing: Source
    mover: Mover
    service: Service

    def found_or_submitted(self) -> tuple[str, bool]:
        """The job that copies the file, and whether it was handed over just now."""
        number, latest = self._latest()
        if latest is not None and latest.id not in self.service.taken:
            state = latest.files[0].state if latest.files else "waiting"
            if not latest.over or state == "done":
                return latest.id, False
        sid = self._sid(number + 1)
        copy = self.copy
        movement = Movement(copy.path, copy.source, self.landing, copy.size, copy.checksum, activity=copy.activity)
        try:
            return self.mover.submit(sid, [movement], copy.priority - _USUAL), True
        except OutcomeUnknown:
            return self.mover.job_id(sid), True

    def follow(self, job_id: str) -> None:
        """Wait until the job is over, telling how far it is. Raises when it failed, or nobody wants it any more."""
        with self.service.follower.following(job_id):
            seen = moved = unknown = 0
            while unknown < _LOST:
                before = seen
                seen, job = self.service.follower.next(job_id, before)
                unknown = 0 if job else unknown + (seen > before)
                come = max([moved, *(file.bytes for file in job.files)]) if job else moved
                self._tell(job_id, come - moved)
                moved = come
                if job is not None and job.over:
                    self._check(job)
                    return
        raise Transient(f"the transfer service knows nothing of {job_id} any more")

    def _tell(self, job_id: str, more: int) -> None:
        try:
            if self.copy.progress is not None:
                self.copy.progress(more)
        except BaseException:
            self.mover.cancel(job_id)
            raise

    def _check(self, job: MoveJob) -> None:
        file = job.files[0] if job.files else None
        if file is not None and file.state == "done":
            return
        said = f"{self.copy.path}: {file.reason if file else job.reason or job.state} (job {job.id})"
        if file is not None and file.hopeless:
            raise Terminal(said)
        raise Transient(said)

    def _latest(self) -> tuple[int, MoveJob | None]:
        """The number of the last attempt that the service knows of, and how it stands; 0 and None: there is none."""
        number, latest = 0, None
        for first in count(1, _TRIES):
            ids = {self.mover.job_id(self._sid(n)): n for n in range(first, first + _TRIES)}
            known = self.mover.look(ids)
            if known:
                latest = max(known.values(), key=lambda job: ids[job.id])
                number = ids[latest.id]
            if number < first + _TRIES - 1:
                break
        return number, latest

    def _sid(self, attempt: int) -> str:
        copy = self.copy
        content = hashlib.sha256(f"{copy.path}\0{copy.size}\0{copy.checksum}".encode()).hexdigest()[:32]
        return f"hanse-{copy.uid}-{content}-{attempt}"
