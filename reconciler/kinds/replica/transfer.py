"""Transfers: work on storages that takes longer than a put may, done by a few threads for each target.

A job is the work for one resource on one target; it may consist of pieces, one for each file. So many pieces run at
once on a target, and so many on one link (from one storage to another). Whose turn it is: the highest priority first,
then whoever has been served least lately, then the oldest.

Nothing is remembered across processes. What a killed process was about is seen by looking at the storage, and done
again; a copy leaves nothing half-made.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, NamedTuple

from reconciler.errors import DriverError, Terminal, Transient
from reconciler.kinds.replica.speed import Speed
from reconciler.model import Progress, Target

JobState = Literal["running", "done", "failed"]
ON_TARGET = 4
"""Pieces that run at once on a target, where it does not say otherwise."""
ON_LINK = 2
"""Likewise from one storage to another."""
HANDED = 100
"""Pieces that run at once where a transfer service does the work."""
_TOLD = 100
"""So many failed files of a job are remembered one by one."""


class CalledOff(Exception):
    """Raised inside a copy whose job was cancelled."""


class Piece(NamedTuple):
    """A part of a job that can be done beside others, usually one file."""

    work: Callable[[Job], None]
    link: str = ""
    """Id of the storage that it reads; "" for what comes from elsewhere."""
    files: int = 1
    """How many it brings, or takes away."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pieces run at once."""

    target: int = ON_TARGET
    link: int = ON_LINK
    links: Mapping[str, int] = field(default_factory=dict)
    """Id of a storage, or of a site with all its storages (``storage:SITE``) -> pieces at once from there."""

    def of(self, link: str) -> int:
        """Pieces at once on a link."""
        if not link:
            return self.target
        return self.links.get(link, self.links.get(link.partition("/")[0], self.link))


@dataclass(eq=False)
class Job:
    """One resource's work on a target. ``total`` is bytes (0: not known), ``files`` their number."""

    handle: str
    target: str
    owner: str
    work: Callable[[Job], Iterable[Piece] | None]
    """Does it; or looks what is to be done, and answers with the pieces that do it."""
    total: int = 0
    files: int = 0
    reads: Container[tuple[str, str]] = frozenset()
    """(target id, path) of the files it reads."""
    priority: int = 0
    """Higher ones come first."""
    limits: Limits = field(default_factory=Limits)
    state: JobState = "running"
    files_done: int = 0
    error: DriverError | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    speed: Speed = field(default_factory=Speed)

    def __post_init__(self) -> None:
        self.failures: list[DriverError] = []
        """Of its pieces, the first ones."""
        self.failed = 0
        self.running = 0
        """Pieces that run now."""
        self.served = self.number = 0
        self.begun = False
        """Its pieces are known."""
        self.pieces: Iterator[Piece] = iter((Piece(self._begin, files=0),))
        self.next: Piece | None = next(self.pieces)
        self._own = threading.local()

    @property
    def moved(self) -> int:
        """Bytes that have arrived."""
        return self.speed.moved

    def advance(self, count: int) -> None:
        """Count bytes that have arrived; raises CalledOff when the job was cancelled."""
        if self.cancelled.is_set():
            raise CalledOff
        self._own.moved = getattr(self._own, "moved", 0) + count
        self.speed.add(count)

    def progress(self) -> Progress:
        """How far it has come."""
        return self.speed.progress(self.total, self.files_done, self.files)

    def said(self) -> str:
        """The same in words."""
        return str(self.progress()) if self.running or self.moved or self.files_done else "waits for its turn"

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What a piece has moved counts only when it is whole."""
        self._own.moved = 0
        try:
            yield
        except BaseException:
            self.speed.add(-self._own.moved)
            raise

    def at_once(self) -> None:
        """Do all of it now, in this thread, instead of lining it up. Raises DriverError at its end."""
        for piece in self.work(self) or ():
            try:
                piece.work(self)
            except DriverError as error:
                self.fail(error)
            else:
                self.files_done += piece.files
        if self.failures:
            raise summed_up(self.failures, self.failed, self.files)

    def fail(self, error: DriverError) -> None:
        """Note that a piece failed."""
        self.failed += 1
        self.failures[_TOLD - 1 :] = [error]

    def follow(self) -> None:
        """Look at the piece that comes next."""
        self.next = None if self.cancelled.is_set() else next(self.pieces, None)

    def settle(self) -> None:
        """It is over: note how it ended."""
        if self.failures:
            self.error = summed_up(self.failures, self.failed, self.files)
        self.state = "failed" if self.failures or self.cancelled.is_set() else "done"

    def _begin(self, job: Job) -> None:
        self.pieces = iter(self.work(job) or ())


class Transfers:
    """The jobs of this process. Threads are started when there is work and end when there is none."""

    def __init__(self, at_once: int | None = None) -> None:
        """``at_once`` pieces run on one target, whatever the jobs say."""
        self._at_once = at_once
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._lined_up: dict[str, list[Job]] = {}
        """Target -> jobs that are not over."""
        self._threads: Counter[str] = Counter()
        self._links: Counter[tuple[str, str]] = Counter()
        self._number = count(1)

    def start(self, job: Job) -> Job:
        """Run ``job`` soon, unless it runs already; an older job of the same owner on the target is cancelled."""
        with self._lock:
            there = self._jobs.get(job.handle)
            if there is not None and there.state == "running" and not there.cancelled.is_set():
                return there
            self._call_off(job.target, job.owner)
            job.number = next(self._number)
            self._jobs[job.handle] = job
            self._lined_up.setdefault(job.target, []).append(job)
            self._man(job.target)
        return job

    def find(self, handle: str) -> Job | None:
        """The job of that handle; None when this process knows nothing of it. A finished job is handed out once."""
        with self._lock:
            job = self._jobs.get(handle)
            if job is not None and job.state != "running":
                del self._jobs[handle]
            return job

    def cancel(self, target: str, owner: str) -> bool:
        """Cancel an owner's jobs on a target; True while one of them still runs."""
        with self._lock:
            return self._call_off(target, owner)

    def busy(self, target: str, owner: str) -> bool:
        """Whether anything of an owner is under way on a target, or waits for its turn."""
        with self._lock:
            return any(job.owner == owner for job in self._lined_up.get(target, ()))

    def reader(self, target: str, path: str, but: str) -> str:
        """The target of a running job, not of owner ``but``, that reads the file; "" when there is none."""
        with self._lock:
            found = (j for j in self._jobs.values() if j.state == "running" and j.owner != but)
            return next((job.target for job in found if (target, path) in job.reads), "")

    # -- whose turn it is; all of this with the lock held --------------------------------------------------------------

    def _call_off(self, target: str, owner: str) -> bool:
        jobs = [job for job in self._lined_up.get(target, ()) if job.owner == owner]
        for job in jobs:
            job.cancelled.set()
            job.next = None
            self._settled(job)
        return any(job.running for job in jobs)

    def _settled(self, job: Job) -> None:
        """Take a job off the line when nothing of it runs or is to come."""
        if job.next is None and not job.running:
            job.settle()
            self._lined_up[job.target].remove(job)
            if not self._lined_up[job.target]:
                del self._lined_up[job.target]

    def _man(self, target: str) -> None:
        """One thread more, where there is a piece for it and room."""
        turn = self._turn(target)
        if turn is not None and self._threads[target] < self._most(turn):
            self._threads[target] += 1
            threading.Thread(target=self._run, args=(target,), name="transfer", daemon=True).start()

    def _most(self, job: Job) -> int:
        return job.limits.target if self._at_once is None else self._at_once

    def _turn(self, target: str) -> Job | None:
        """The job whose next piece is to run; None when there is none, or no link is free."""
        jobs = self._lined_up.get(target, ())
        leaving = {job.owner for job in jobs if job.cancelled.is_set()}
        free = [job for job in jobs if job.next is not None and job.owner not in leaving and self._free(job, job.next)]
        return min(free, key=lambda job: (-job.priority, job.running, job.served, job.number), default=None)

    def _free(self, job: Job, piece: Piece) -> bool:
        return not piece.link or self._links[piece.link, job.target] < job.limits.of(piece.link)

    def _take(self, target: str) -> tuple[Job, Piece] | None:
        job = self._turn(target)
        piece = job.next if job is not None else None
        if job is None or piece is None:
            return None
        job.running += 1
        self._links[piece.link, target] += 1
        job.next = None
        if job.begun:
            job.served = next(self._number)
            job.follow()
        return job, piece

    def _give_back(self, job: Job, piece: Piece, error: DriverError | None) -> None:
        job.running -= 1
        self._links[piece.link, job.target] -= 1
        if error is not None:
            job.fail(error)
        else:
            job.files_done += piece.files
        if not job.begun:
            job.begun = True
            job.follow()
        self._settled(job)

    # -- the threads ---------------------------------------------------------------------------------------------------

    def _run(self, target: str) -> None:
        try:
            while (turn := self._next(target)) is not None:
                self._do(*turn)
        except BaseException:
            with self._lock:
                self._threads[target] -= 1
                self._man(target)
            raise

    def _next(self, target: str) -> tuple[Job, Piece] | None:
        with self._lock:
            turn = self._take(target)
            if turn is None:
                self._threads[target] -= 1
            else:
                self._man(target)
            return turn

    def _do(self, job: Job, piece: Piece) -> None:
        """Do one piece; a fault of ours must not leave a job that seems to run for ever."""
        error: DriverError | None = Terminal("the transfer broke off by a fault of its own: see the log")
        try:
            with job.counted():
                piece.work(job)
            error = None
        except DriverError as raised:
            error = raised
        except CalledOff:
            error = None
        finally:
            with self._lock:
                self._give_back(job, piece, error)


def limits(target: Target) -> Limits:
    """What a storage says of itself: ``copiesAtOnce``, ``copiesPerLink``, and ``links`` (storage or site: number).

    A storage that hands its copies to a transfer service leaves the queue to that.
    """
    options = target.options
    usual = (HANDED, HANDED) if options.get("transfers") else (ON_TARGET, ON_LINK)
    links = {f"storage:{name}": int(number) for name, number in options.get("links", {}).items()}
    return Limits(int(options.get("copiesAtOnce", usual[0])), int(options.get("copiesPerLink", usual[1])), links)


def summed_up(errors: Sequence[DriverError], failed: int, count: int) -> DriverError:
    """One error for many: transient when trying again may help any of them."""
    first = next((e for e in errors if isinstance(e, Transient)), errors[0])
    if count <= 1:
        return first
    said = f"{failed} of {count} files failed, first: {first}"
    if isinstance(first, Transient):
        return Transient(said, retry_after=first.retry_after, reason=first.reason)
    return type(first)(said, reason=first.reason)
