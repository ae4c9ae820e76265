"""``hanse run``: the lease, the loop, the watch, the probes; everything that ends when the process is told to."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

import structlog

from reconciler.copies import Board
from reconciler.daemon import lease
from reconciler.daemon.alarming import Alarms, Seen
from reconciler.daemon.availability import keep_computing
from reconciler.daemon.digests import digests
from reconciler.daemon.fetching import Fetcher
from reconciler.daemon.forging import forging
from reconciler.daemon.loop import AGAIN, Bell, Rhythm, going_on, keep
from reconciler.daemon.metering import keep_metering, keep_reading_jobs
from reconciler.daemon.noticing import Noticer, interests
from reconciler.daemon.notifying import Notifier
from reconciler.daemon.queue import Settling
from reconciler.daemon.rounds import Rounds
from reconciler.daemon.systemd import Systemd
from reconciler.daemon.watch import watching
from reconciler.daemon.watchdog import Pulse, Watchdog
from reconciler.daemon.watched import Watched
from reconciler.daemon.working import NowAndThen, Told, work
from reconciler.errors import LeaseHeld, RecordsError, SourceError
from reconciler.kinds import Declared
from reconciler.kinds.datasetrule.places import Places
from reconciler.measured import Measured
from reconciler.model import Action, Graph, Plan, Progress, Ref, Report, Resource
from reconciler.plan.render import summary
from reconciler.reconcile import House, Proposal, propose
from reconciler.source import head_of

_log = structlog.get_logger()
_EVERY = 60.0
"""Seconds between two lines about one transfer."""


def _moving(action: Action, progress: Progress) -> None:
    _log.info("under way", resource=action.ref, target=action.target, come=str(progress))


@dataclass(frozen=True)
class Standing:
    """What is declared at a commit."""

    commit: str
    resources: Mapping[Ref, Resource]


@dataclass(frozen=True)
class Planned:
    """What one round has planned."""

    plan: Plan
    graph: Graph
    at: datetime


@dataclass
class Service:
    """The reconciler as it runs on and on."""

    house: House
    revision: str
    worktree: bool = False
    declared: Standing | None = None
    """What git says, as of the last step."""
    planned: Planned | None = None
    """What the last step planned."""
    patient: bool = False
    """Whether it waits for the lease while another has it."""
    recorded: str = ""
    """Digest of the plan that was recorded last."""
    lively: bool = False
    """Whether something follows the world by itself, so that it must be looked at often."""
    moved: threading.Event = field(default_factory=threading.Event)
    """Git has moved since the last step began: transfers are not waited for before it is looked at."""
    noticer: Noticer | None = None
    """Follows the events of storages, while it runs on and on."""
    board: Board = field(default_factory=Board)
    """How many copies of datasets there are: who waits for some is told from here."""

    measured: Measured = field(default_factory=Measured)
    """What it has seen of its own work: it is told as metrics."""
    pulse: Pulse = field(default_factory=Pulse)
    """When a round moved last."""
    systemd: Systemd = field(default_factory=Systemd)
    """Told how the service is, where it asked for it."""
    _head: str = ""
    """Where the branch stood that the last round read."""

    def __post_init__(self) -> None:
        """What fetches, where there is something to fetch from."""
        settings = self.house.settings.source
        self.fetcher = Fetcher(settings, self.house.drivers.secret, self.moved.set, self._fetched)
        self.forging = forging(self.house, self.revision, self.fetcher.bring)
        self.rounds = Rounds(self.house, self.measured)
        self.watched = Watched(self.house, self._resources)
        self.watchdog = Watchdog(self.pulse, self.house.settings.run.stall_seconds, self.systemd)

    @property
    def waits(self) -> bool:
        """It stands by: another leads."""
        return self.patient and not self.measured.leading

    def called(self) -> None:
        """Somebody says that there may be something to fetch, or a pull request to look at."""
        self.fetcher.call()
        if self.forging is not None:
            self.forging.call()
            if self.planned is not None and any(part.open for part in self.planned.plan.parts):
                self.fetcher.moved()  # somebody may have agreed on the forge to what is merged already

    def woken(self, keys: Iterable[str] = ()) -> None:
        """Somebody has agreed to something, or let it go on: look at these, and at what git says, now."""
        self.rounds.queue.changed(keys)
        self.fetcher.moved()

    def step(self, bell: Bell) -> tuple[Proposal, Report | None]:
        """Plan once, and do what is to be done. The same quiet plan again is not even written down."""
        self.moved.clear()
        with self.rounds.round():
            return self._step(bell)

    def _step(self, bell: Bell) -> tuple[Proposal, Report | None]:
        proposal = propose(self.house, self.revision, worktree=self.worktree, due=self.rounds.due)
        self.rounds.read(proposal.observed)
        self._head = (proposal.come.head if proposal.come else "") or proposal.plan.commit
        if self.moved.is_set():
            self.moved.clear()  # first: what comes while this looks sets it anew
            if self._differs():
                self.moved.set()
        plan, held = proposal.plan, self.rounds.held(proposal.plan)
        self.measured.planned(plan, proposal.observed, proposal.graph.targets)
        if self.forging is not None:
            self.forging.planned(plan, proposal.come, self._in_force(proposal))
        self.planned = Planned(plan, proposal.graph, self.house.clock())
        self.lively = self._follows(proposal.graph)
        declared = Declared(proposal.graph.resources)
        fresh = self.declared is None or self.declared.commit != plan.commit
        self.declared = Standing(plan.commit, proposal.graph.resources)
        if self.noticer is not None:
            self.noticer.follow(interests(declared, self.house.drivers))
        report = None
        if self.rounds.doable(proposal, held) or plan.digest != self.recorded:
            read = len(proposal.observed.targets) - len(proposal.observed.kept)
            _log.info("planned", commit=plan.commit[:12], plan=plan.digest[:12], summary=summary(plan), targets=read)
            told = Told(
                lambda outcome: self.board.heard(outcome, proposal.graph),
                NowAndThen(_moving, _EVERY),
                self.measured.breaker,
                alive=self.pulse.move,
            )
            if self.forging is not None:
                self.forging.begun(plan)
            report = work(self.house, proposal, lease.who(), bell.stop, told, leave=self.moved, held=held)
            self.rounds.done(proposal, report)
            self.recorded = plan.digest
            self.measured.reported(report)
            if self.forging is not None:
                self.forging.ended(plan, report)
            self.watched.prepare()
        elif fresh:
            self.watched.prepare()
        self.rounds.postponed(proposal)
        self.board.learn(self.house.store.data.replicas(), Places.of(declared).storages)
        return proposal, report

    def run(self, bell: Bell) -> None:
        """Reconcile until told to stop. Raises LeaseHeld when another process works on this database."""
        settings = self.house.settings
        self.fetcher.now()
        folders = settings.source.paths if self.worktree else ()
        pace, self.rounds = settings.run, Rounds(self.house, self.measured)
        self.rounds.begin_anew()
        queue = self.rounds.queue
        rhythm = Rhythm(pace.interval_seconds, pace.jitter, random.random, soon=self._soon, due=queue.soon)
        bell.settling, self.fetcher.settling = (
            Settling(pace.quiet_seconds, pace.longest_quiet_seconds, time.monotonic) for _ in range(2)
        )

        def moved() -> None:
            if self._differs():
                self.moved.set()
            bell.ring()
            if self.forging is not None:
                self.forging.call()

        self.fetcher.moved = moved
        watch = watching(Path(settings.source.repository), folders, moved)
        formerly, secret = Path(settings.state) / "notified", self.house.drivers.secret
        notifier = Notifier(settings.notify, formerly, secret, records=self.house.store.delivered)
        alarms = Alarms(settings.notify, formerly, secret, records=self.house.store.delivered)
        telling = digests(settings, self.house.store, secret, self.measured.notified)
        fetching = self.fetcher.keep
        beside = [
            lambda ring: self.watched.keep(ring.stop),
            self._keep_metering,
            self._keep_reading_jobs,
            lambda ring: keep_computing(self.house, self._commit, ring.stop),
            lambda ring: fetching(rhythm.interval, ring.stop),
            self._keep_forging,
            lambda ring: notifier.keep(self.board, ring.stop),
            lambda ring: alarms.keep(self._seen, ring.stop),
            lambda ring: telling.keep(self._resources, ring.stop),
        ]
        with self.holding(bell), watch, self._noticing(bell), going_on(beside, bell):
            if self.patient:
                self.fetcher.now()  # it may have waited for days
            self.systemd.says("leads")
            self.house.progress = lambda _target: self.pulse.move()
            _log.info("running", revision=self.revision, interval=settings.run.interval_seconds)
            keep(lambda: self._once(bell), bell, rhythm)
        _log.info("stopped")

    @contextmanager
    def attended(self, bell: Bell) -> Iterator[None]:
        """The service manager is told that it has started, that it lives (standing by, too), and that it stops."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self.watchdog.keep, args=(ended, bell.stop.is_set), name="watchdog", daemon=True
        )
        self.systemd.ready()
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def _noticing(self, bell: Bell) -> Iterator[None]:
        """Follow the events of storages, from the first step on."""
        self.noticer = Noticer(self.house.drivers, bell.ring, self.rounds.queue.changed)
        try:
            yield
        finally:
            self.noticer.end()
            self.noticer = None

    def stand_by(self, bell: Bell) -> None:
        """Lead whenever nobody else does, until told to stop: who has lost the lease stands by again."""
        self.patient = True
        self.systemd.says("stands by")
        while not bell.stop.is_set():
            self.recorded = ""
            try:
                self.run(bell.term())
            except LeaseHeld as error:
                self.systemd.says("stands by")
                if not bell.stop.is_set():
                    _log.warning("leads no more", why=str(error))
            except RecordsError as error:
                self.systemd.says("stands by")
                _log.error("leads no more: the records failed", why=str(error))
                bell.stop.wait(AGAIN)

    @contextmanager
    def holding(self, bell: Bell) -> Iterator[None]:
        """Hold the lease of the database; without it the bell says stop."""
        seconds = self.house.settings.run.lease_seconds
        with lease.held(self.house.store, seconds, bell.end, bell.stop if self.patient else None) as fence:
            self.house.fence = fence
            self.measured.leading = True
            try:
                yield
            finally:
                self.measured.leading = False

    def _fetched(self, why: str) -> None:
        if self.house.settings.source.remote:
            self.house.store.heads.fetched(self.revision, why)

    def _differs(self) -> bool:
        """Whether the branch is at another commit than the last round read; so it is where that cannot be told."""
        if self.worktree or self.declared is None:
            return True
        try:
            return head_of(Path(self.house.settings.source.repository), self.revision) != self._head
        except SourceError:
            return True

    def _in_force(self, proposal: Proposal) -> str:
        known = self.house.store.heads.get(proposal.come.branch) if proposal.come else None
        return known.commit if known else ""

    def _follows(self, graph: Graph) -> bool:
        kinds = self.house.kinds
        return any(kinds[ref.kind].leaves_open(graph.resources[ref].spec) for ref in graph.undecided)

    def _soon(self) -> float | None:
        return self.house.settings.run.elastic_seconds if self.lively else None

    def _once(self, bell: Bell) -> None:
        with self.pulse.round(), self.measured.round():
            self.step(bell)

    def _keep_forging(self, bell: Bell) -> None:
        if self.forging is not None:
            self.forging.keep(self.house.settings.run.interval_seconds, bell.stop)

    def _keep_metering(self, bell: Bell) -> None:
        keep_metering(self.house, bell.stop)

    def _keep_reading_jobs(self, bell: Bell) -> None:
        keep_reading_jobs(self.house, lambda: self._resources() or {}, bell.stop)

    def _seen(self) -> Seen | None:
        """How probes stand, and what is declared; None until git was read."""
        checks = self.watched.checks
        if checks is None or self.declared is None:
            return None
        return Seen(self.house.store.probes.states(), checks, self.declared.resources, self.house.clock())

    def _resources(self) -> Mapping[Ref, Resource] | None:
        return self.declared.resources if self.declared else None

    def _commit(self) -> str:
        return self.declared.commit if self.declared and not self.worktree else ""


@contextmanager
def obeying(end: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``end`` once; a second one breaks off.

    It is called in a thread of its own: the code that a signal interrupts may hold the very lock that ``end``, or the
    log, wants.
    """
    asked: SimpleQueue[int] = SimpleQueue()  # the one queue whose put may interrupt anything
    seen: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        asked.put(number)

    def obey() -> None:
        if number := asked.get():
            _log.warning("stopping: what is in flight is finished", signal=signal.Signals(number).name)
            end()

    thread = threading.Thread(target=obey, name="signals", daemon=True)
    thread.start()
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(0)
        thread.join()
