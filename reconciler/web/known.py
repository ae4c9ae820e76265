"""What the HTTP API may look at, who may ask, and how refusals read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from reconciler.kinds.probe import Checks
from reconciler.measured import Measured
from reconciler.model import Ref, Resource, Who
from reconciler.records.store import Store
from reconciler.records.tokens import Right
from reconciler.settings import WebSettings
from reconciler.web.door import Answer, Door, Refuse, needing, refused
from reconciler.web.oidc import People

__all__ = ["Answer", "Known", "Refuse", "Standing", "bearing", "in_thread", "refused"]


class Standing(Protocol):
    """What is declared now."""

    @property
    def commit(self) -> str:
        """The commit that says so."""
        ...

    @property
    def resources(self) -> Mapping[Ref, Resource]:
        """What it says."""
        ...


@dataclass(frozen=True)
class Known:
    """What is known, asked anew each time."""

    store: Store
    settings: WebSettings
    clock: Callable[[], datetime]
    checks: Callable[[], Checks | None] = lambda: None
    """None until git was read for the first time."""
    declared: Callable[[], Standing | None] = lambda: None
    people: People | None = None
    """Whom providers vouch for."""
    views: Callable[[Who], bool] = lambda _who: False
    """Whether somebody may look by a policy in git."""
    backlog: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
    """Probes that wait for a free worker, and for how many seconds the first of them has been due."""
    measured: Measured | None = None
    """What the loop beside it has seen of its own work."""

    @property
    def door(self) -> Door:
        """What is asked of those who come."""
        opened = frozenset[str](self.settings.open)
        return Door(self.store, people=self.people, open=opened, views=self.views, basic=False)


def bearing(known: Known, right: Right, answer: Answer, refuse: Refuse | None = None) -> Answer:
    """Let those in whose token may do it (``x-api-key``, or ``Authorization: Bearer``); all, where that is open.

    A token goes nowhere from here: what the request is known by is the token's name.
    """

    async def named(request: Request) -> Response:
        request.state.token = request.state.who.name if request.state.who else ""
        return await answer(request)

    return needing(known.door, right, named, refuse)


def in_thread(answer: Callable[[Request], Response]) -> Answer:
    """For what asks the database: it runs beside the loop of events."""

    async def beside(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return beside
