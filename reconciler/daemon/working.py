"""One proposal carried out as the settings say: pace, executor, what is logged of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from reconciler import logs
from reconciler.apply import Breaker, Conduct, Executor, Pace, Serial, Threads
from reconciler.model import POSTPONED, Action, Outcome, Plan, Progress, Reason, Ref, Report, Started, Verb
from reconciler.reconcile import House, Proposal, reconcile
from reconciler.settings import ApplySettings

_log = structlog.get_logger()


class Told(NamedTuple):
    """Who is to be told what: each outcome as it comes, and how far something has come that is under way."""

    ended: Callable[[Outcome], None] = lambda _outcome: None
    advanced: Callable[[Action, Started], None] = lambda _action, _started: None
    breaker: Callable[[str, Breaker], None] = lambda _target, _state: None
    attended: bool = False
    """A person follows it."""
    alive: Callable[[], None] = lambda: None
    """Told whenever a call has come back, or nothing but time is waited for."""


class NowAndThen:
    """Passes on how far something has come, at most once in ``seconds`` for each resource."""

    def __init__(
        self, tell: Callable[[Action, Progress], None], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._seconds, self._clock = tell, seconds, clock
        self._told: dict[Ref, float] = {}

    def __call__(self, action: Action, started: Started) -> None:
        """Hear of it."""
        if started.progress is None:
            return
        now = self._clock()
        if now - self._told.setdefault(action.ref, now) >= self._seconds:
            self._told[action.ref] = now
            self._tell(action, started.progress)


def work(  # noqa: PLR0913 (what may end or narrow it are keywords)
    house: House,
    proposal: Proposal,
    who: str,
    stop: threading.Event,
    told: Told | None = None,
    *,
    serial: bool = False,
    leave: threading.Event | None = None,
    held: Mapping[Ref, tuple[Reason, str]] | None = None,
) -> Report:
    """Carry a proposal out. ``stop`` ends it early: what is in flight is finished, nothing new is begun.

    ``leave`` ends all waiting: what is under way goes on, and the next run looks at it. ``held`` is not done in this
    run. Where a person follows it, what went wrong is told there, and the log has it as information only.
    """
    settings = house.settings.apply

    told = told or Told()

    def ended(outcome: Outcome) -> None:
        _logged(outcome, "info" if told.attended else "warning")
        told.ended(outcome)

    conduct = Conduct(
        pace=pace(settings),
        progress=ended,
        advance=told.advanced,
        breaker=told.breaker,
        stop=stop,
        leave=leave or threading.Event(),
        held=held or {},
        alive=told.alive,
    )
    executor: Executor = Serial() if serial else Threads(settings.workers)
    with logs.about(commit=proposal.plan.commit[:12], plan=proposal.plan.digest[:12]):
        return reconcile(house, proposal, executor, conduct, who)


def pace(settings: ApplySettings) -> Pace:
    """How hard back ends are worked, from the settings."""
    return Pace(
        settings.concurrency,
        settings.attempts,
        settings.first_delay_seconds,
        settings.longest_delay_seconds,
        settings.breaker,
    )


def due(plan: Plan) -> int:
    """How many actions would be carried out now: neither blocked nor waiting."""
    return sum(a.verb not in (Verb.NOOP, Verb.DEFER) and a.blocked is None for a in plan.actions)


def _logged(outcome: Outcome, trouble: str) -> None:
    action = outcome.action
    said = {"resource": action.ref, "verb": str(action.verb), "target": action.target, "operation": outcome.operation}
    if outcome.state == "done":
        _log.info("done", seconds=round(outcome.seconds, 3), **said)
    elif outcome.state == "deferred" and outcome.reason in POSTPONED:
        _log.debug("left to another round", reason=str(outcome.reason), why=outcome.message, **said)
    elif outcome.state == "deferred":
        _log.info("deferred", reason=str(outcome.reason or ""), why=outcome.message, **said)
    else:
        getattr(_log, trouble)(outcome.state, reason=str(outcome.reason or ""), why=outcome.message, **said)
