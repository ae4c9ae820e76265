"""What the HTTP API may look at, who may ask, and how refusals read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.kinds.probe import Checks
from reconciler.measured import Measured
from reconciler.model import Ref, Resource
from reconciler.records.store import Store
from reconciler.records.tokens import ApiToken, Right
from reconciler.settings import WebSettings

Answer = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[int, str], Response]
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


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
    backlog: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
    """Probes that wait for a free worker, and for how many seconds the first of them has been due."""
    measured: Measured | None = None
    """What the loop beside it has seen of its own work."""


def refused(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as RFC 9457 has it."""
    body = {"type": "about:blank", "status": status, "title": _TITLES.get(status, "Error"), "detail": why}
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def bearing(known: Known, right: Right, answer: Answer, refuse: Refuse = refused) -> Answer:
    """Let those in whose token may do it (``x-api-key``, or ``Authorization: Bearer``); all, where that is open.

    A token goes nowhere from here: what the request is known by is the token's name.
    """

    async def guarded(request: Request) -> Response:
        if right in known.settings.open:
            return await answer(request)
        shown = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        found: ApiToken | None = await run_in_threadpool(known.store.tokens.shown, shown) if shown else None
        if found is None:
            response = refuse(401, "show a token that holds: x-api-key, or Authorization: Bearer")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if right not in found.may:
            return refuse(403, f"the token {found.name} may not do this: it may {', '.join(found.may)}")
        request.state.token = found.name
        return await answer(request)

    return guarded


def in_thread(answer: Callable[[Request], Response]) -> Answer:
    """For what asks the database: it runs beside the loop of events."""

    async def beside(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return beside
