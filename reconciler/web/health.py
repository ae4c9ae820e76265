"""``GET /healthz``: whether the loop lives and whether it leads; for service managers and load balancers.

Nothing is asked for, so nothing is told but these words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.web.door import declared


@dataclass(frozen=True, slots=True)
class Health:
    """How the loop is."""

    live: bool
    """False when its round stands still, or nothing of it runs."""
    leading: bool
    """Whether it holds the lease; another stands by."""
    ready: bool
    """Whether it leads and a round of it went well."""


def routes(health: Callable[[], Health]) -> Sequence[BaseRoute]:
    """``/healthz`` answers 503 when it is not live, ``/healthz/ready`` when it is not ready."""

    async def alive(_request: Request) -> Response:
        found = health()
        return _answer(found, well=found.live)

    async def ready(_request: Request) -> Response:
        found = health()
        return _answer(found, well=found.live and found.ready)

    return [
        Route("/healthz", declared(alive, "open"), methods=["GET"]),
        Route("/healthz/ready", declared(ready, "open"), methods=["GET"]),
    ]


def _answer(found: Health, *, well: bool) -> Response:
    said = {"live": found.live, "leading": found.leading, "ready": found.ready}
    return JSONResponse(said, 200 if well else 503, {"Cache-Control": "no-store"})
