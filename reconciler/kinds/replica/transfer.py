"""Transfers: work on storages that takes longer than a put may, done by a few threads for each target.

Nothing is remembered across processes. What a killed process was about is seen by looking at the storage, and done
again; a copy leaves nothing half-made.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from reconciler.errors import DriverError, Terminal

JobState = Literal["running", "done", "failed"]


class CalledOff(Exception):
    """Raised inside a copy whose job was cancelled."""


@dataclass
class Job:
    """One piece of work under way. ``total`` and ``moved`` are bytes (total 0: not known), ``files`` their number."""

    handle: str
    target: str
    owner: str
    work: Callable[[Job], None]
    total: int = 0
    files: int = 0
    reads: frozenset[tuple[str, str]] = frozenset()
    """(target id, path) of the files it reads."""
    state: JobState = "running"
    moved: int = 0
    files_done: int = 0
    error: DriverError | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def advance(self, count: int) -> None:
        """Count bytes that have arrived; raises CalledOff when the job was cancelled."""
        if self.cancelled.is_set():
            raise CalledOff
        self.moved += count

    def said(self) -> str:
        """How far it has come."""
        moved = f"{_bytes(self.moved)} of {_bytes(self.total)}" if self.total else _bytes(self.moved)
        return f"{self.files_done} of {self.files} files, {moved}"


class Transfers:
    """The jobs of this process. Threads are started when there is work and end when there is none."""

    def __init__(self, at_once: int = 2) -> None:
        """``at_once`` jobs run on one target."""
        self._at_once = at_once
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._waiting: dict[str, deque[Job]] = defaultdict(deque)
        self._threads: dict[str, int] = defaultdict(int)

    def start(self, job: Job) -> Job:
        """Run ``job`` soon, unless it runs already; an older job of the same owner on the target is cancelled."""
        with self._lock:
            there = self._jobs.get(job.handle)
            if there is not None and there.state == "running" and not there.cancelled.is_set():
                return there
            for other in self._jobs.values():
                if (other.target, other.owner) == (job.target, job.owner):
                    other.cancelled.set()
            self._jobs[job.handle] = job
            self._waiting[job.target].append(job)
            if self._threads[job.target] < self._at_once:
                self._threads[job.target] += 1
                threading.Thread(target=self._run, args=(job.target,), name="transfer", daemon=True).start()
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
            jobs = [job for job in self._jobs.values() if (job.target, job.owner) == (target, owner)]
            for job in jobs:
                job.cancelled.set()
            return any(job.state == "running" for job in jobs)

    def reader(self, target: str, path: str, but: str) -> str:
        """The target of a running job, not of owner ``but``, that reads the file; "" when there is none."""
        with self._lock:
            found = (j for j in self._jobs.values() if j.state == "running" and j.owner != but)
            return next((job.target for job in found if (target, path) in job.reads), "")

    def _run(self, target: str) -> None:
        try:
            while (job := self._next(target)) is not None:
                with _settled(job):
                    if not job.cancelled.is_set():
                        job.work(job)
        except BaseException:
            with self._lock:
                self._threads[target] -= 1
            raise

    def _next(self, target: str) -> Job | None:
        with self._lock:
            if self._waiting[target]:
                return self._waiting[target].popleft()
            self._threads[target] -= 1
            return None


@contextmanager
def _settled(job: Job) -> Iterator[None]:
    """Note how the work ended; a fault of ours must not leave a job that seems to run for ever."""
    state: JobState = "failed"
    job.error = Terminal("the transfer broke off by a fault of its own: see the log")
    try:
        yield
        state, job.error = "done", None
    except DriverError as error:
        job.error = error
    except CalledOff:
        job.error = None
    finally:
        job.state = state


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
