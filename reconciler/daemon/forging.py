"""Tells the forge how commits stand, and looks at pull requests: beside the loop, which never waits for a forge."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from reconciler.daemon.pulls import Pulls, apart
from reconciler.drivers.forge import forge
from reconciler.errors import HanseError
from reconciler.incoming import Incoming
from reconciler.model import Plan, Report
from reconciler.plan.render import summary
from reconciler.ports.forge import Forge, State
from reconciler.reconcile import House

_log = structlog.get_logger()
_LATEST = 1000
"""So many announcements wait for a forge that does not answer; then the oldest are left out."""


@dataclass
class Forging:
    """What the loop has to say to a forge."""

    forge: Forge
    page: str = ""
    """Where people look."""
    pulls: Pulls | None = None
    said: queue.Queue[tuple[str, State, str]] = field(default_factory=lambda: queue.Queue(_LATEST))
    called: threading.Event = field(default_factory=threading.Event)
    announced: str = ""
    withheld: str = ""

    def planned(self, plan: Plan, come: Incoming | None, known: str) -> None:
        """A plan was made; ``known`` was in force before: of it there is nothing new to say where nothing is done."""
        if plan.commit == known:
            self.announced = known
        if come is not None and come.remark and come.head != self.withheld:
            self._say(come.head, "failure", f"not in force: {come.why}")
            self.withheld = come.head

    def begun(self, plan: Plan) -> None:
        """A commit is about to be applied."""
        if plan.commit != self.announced:
            self._say(plan.commit, "pending", f"applying {plan.commit[:12]}: {summary(plan).removeprefix('Plan: ')}")

    def ended(self, plan: Plan, report: Report) -> None:
        """A commit was applied, as far as it went. A quiet run of one that was told already says nothing new."""
        if report.outcomes or plan.commit != self.announced:
            self._say(plan.commit, *deployed(plan, report))
            self.announced = plan.commit

    def call(self) -> None:
        """Look at pull requests soon."""
        self.called.set()

    def keep(self, seconds: float, stop: threading.Event) -> None:
        """Go on until ``stop``. What goes wrong is logged; the rest is told all the same."""
        left = 0.0
        while not stop.is_set():
            self.drain()
            if self.pulls is not None and (left <= 0 or self.called.is_set()):
                self.called.clear()
                self._carefully(self.pulls.look)
                left = seconds
            stop.wait(1.0)
            left -= 1.0
        self.drain()

    def once(self) -> None:
        """Tell what there is to tell, and look at pull requests, this once."""
        self.drain()
        if self.pulls is not None:
            self._carefully(self.pulls.look)

    def drain(self) -> None:
        """Tell what waits to be told."""
        while not self.said.empty():
            commit, state, said = self.said.get()
            self._carefully(lambda: self.forge.mark(commit, state, said, self.page))  # noqa: B023 (called at once)

    def _say(self, commit: str, state: State, said: str) -> None:
        if self.said.full():
            self.said.get()
        self.said.put((commit, state, said))

    def _carefully(self, do: Callable[[], None]) -> None:
        try:
            do()
        except HanseError as error:
            _log.warning("the forge was not told", why=str(error))


def forging(house: House, revision: str, fetch: Callable[[Sequence[str]], object]) -> Forging | None:
    """What speaks to the forge of the settings; None where there is none."""
    given = house.settings.forge
    if given is None:
        return None
    secret, token = house.drivers.secret, given.token
    ours = forge(
        given.kind,
        given.url,
        given.repository,
        lambda: secret(token),
        context=given.context,
        user=given.user,
        ca=given.ca,
    )
    pulls = Pulls(apart(house), ours, revision, fetch) if given.pulls else None
    return Forging(ours, given.page, pulls)


def deployed(plan: Plan, report: Report) -> tuple[State, str]:
    """What became of a commit, in one line: ``deployed 3f2a91c0d4e5: 12 done, 1 blocked: ...``.

    While something of it waits, it is not deployed: ``deploying 3f2a91c0d4e5: 3 done, 2 deferred: ...``.
    """
    counts = Counter(str(outcome.state) for outcome in report.outcomes)
    blocked = plan.blocked
    waits = [one.message for one in report.outcomes if one.state == "deferred"]
    words = [f"{number} {state}" for state, number in sorted(counts.items(), key=lambda one: one[0] != "done")]
    words += [f"{len(blocked)} blocked: {blocked[0].message}"] if blocked else []
    said = ", ".join(words) or "nothing to do"
    if blocked or any(state in counts for state in ("failed", "unknown")):
        return "failure", f"deployed {plan.commit[:12]}: {said}"
    if waits:
        return "pending", f"deploying {plan.commit[:12]}: {said}: {waits[0]}"
    return "success", f"deployed {plan.commit[:12]}: {said}"
