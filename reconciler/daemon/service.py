"""``hanse run``: the lease, the loop, the watch, the probes; everything that ends when the process is told to."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from reconciler.daemon import lease
from reconciler.daemon.loop import Bell, Rhythm, keep
from reconciler.daemon.watch import watching
from reconciler.daemon.working import due, work
from reconciler.model import Report
from reconciler.plan.render import summary
from reconciler.reconcile import House, Proposal, propose

_log = structlog.get_logger()


@dataclass
class Service:
    """The reconciler as it runs on and on."""

    house: House
    revision: str
    worktree: bool = False
    told: Callable[[Proposal, Report | None], None] = lambda _proposal, _report: None
    """Told of each step: what was proposed, and what came of it; None when nothing had to be written down."""
    recorded: str = ""
    """Digest of the plan that was recorded last."""

    def step(self, bell: Bell) -> tuple[Proposal, Report | None]:
        """Plan once, and do what is to be done. The same quiet plan again is not even written down."""
        proposal = propose(self.house, self.revision, worktree=self.worktree)
        plan = proposal.plan
        report = None
        if due(plan) or plan.digest != self.recorded:
            _log.info("planned", commit=plan.commit[:12], plan=plan.digest[:12], summary=summary(plan))
            report = work(self.house, proposal, lease.who(), bell.stop)
            self.recorded = plan.digest
        self.told(proposal, report)
        return proposal, report

    def run(self, bell: Bell, probing: Callable[[Bell], None] | None = None) -> None:
        """Reconcile until told to stop. Raises LeaseHeld when another process works on this database."""
        settings = self.house.settings
        folders = settings.source.paths if self.worktree else ()
        rhythm = Rhythm(settings.run.interval_seconds, settings.run.jitter, random.random)
        with self.holding(bell), watching(Path(settings.source.repository), folders, bell.ring), _beside(probing, bell):
            _log.info("running", revision=self.revision, interval=settings.run.interval_seconds)
            keep(lambda: self._once(bell), bell, rhythm)
        _log.info("stopped")

    @contextmanager
    def holding(self, bell: Bell) -> Iterator[None]:
        """Hold the lease of the database; without it the bell says stop."""
        seconds = self.house.settings.run.lease_seconds
        with lease.held(self.house.store, seconds, bell.end) as fence:
            self.house.fence = fence
            yield

    def _once(self, bell: Bell) -> None:
        self.step(bell)


@contextmanager
def _beside(probing: Callable[[Bell], None] | None, bell: Bell) -> Iterator[None]:
    """Probes go on in their own thread: a long apply must not make services look unwatched."""
    if probing is None:
        yield
        return
    thread = threading.Thread(target=probing, args=(bell,), name="probes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        bell.end()
        thread.join()


@contextmanager
def obeying(end: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``end`` once; a second one breaks off."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        _log.warning("stopping: what is in flight is finished", signal=signal.Signals(number).name)
        end()

    seen: list[int] = []
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
