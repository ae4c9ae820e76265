"""``POST /hooks/NAME``: web hooks of forges. Each means "fetch now" and nothing else, whatever it says.

202 for what counts, 401 for what nobody with the secret has sent, 409 for what came before, 413 for what is too large,
503 where another leads and must be told: no answer tells more than its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.errors import DriverError
from reconciler.model import SecretRef
from reconciler.settings import WebhookSettings
from reconciler.web.concerns import concerns
from reconciler.web.door import declared
from reconciler.web.genuine import Forged, marks

_log = structlog.get_logger()
_MEGABYTE = 1_000_000


class Remembering(Protocol):
    """What came in before."""

    def first(self, hook: str, marks: Sequence[str]) -> bool:
        """Whether nothing with one of these marks came in before."""
        ...


@dataclass(frozen=True)
class Hooks:
    """The web hooks of one reconciler."""

    webhooks: Sequence[WebhookSettings]
    secret: Callable[[SecretRef], str]
    """Reads a secret, anew for each delivery."""
    deliveries: Remembering
    ring: Callable[[], None]
    """Called for each delivery that counts; many are as good as one."""
    clock: Callable[[], datetime]
    waits: Callable[[], bool] = lambda: False
    """Whether this reconciler stands by: what it would take would be lost, for it is taken once only."""

    async def answer(self, request: Request) -> Response:
        """Take one delivery."""
        name = request.path_params["name"]
        hook = next((one for one in self.webhooks if one.name == name), None)
        if hook is None:
            return _refused(401, "", request, "there is no such web hook")
        body = await _body(request, hook.body_megabytes * _MEGABYTE)
        if body is None:
            return _refused(413, name, request, f"it is larger than {hook.body_megabytes} MB")
        return await run_in_threadpool(self._taken, hook, request, body)

    def _taken(self, hook: WebhookSettings, request: Request, body: bytes) -> Response:
        try:
            known = marks(hook.forge, self.secret(hook.secret), request.headers, body, self.clock())
        except Forged as forged:
            return _refused(401, hook.name, request, str(forged))
        except DriverError as error:
            return _refused(503, hook.name, request, str(error))
        if self.waits():
            return _refused(503, hook.name, request, "it stands by: another leads")
        if not self.deliveries.first(hook.name, known):
            return _refused(409, hook.name, request, "it came before")
        counts = concerns(hook, body)
        _log.info("web hook", hook=hook.name, sender=_sender(request), counts=counts)
        if counts:
            self.ring()
        return Response(status_code=202)


def routes(hooks: Hooks) -> list[Route]:
    """The route of web hooks; none where none is configured."""
    answer = declared(partial(Hooks.answer, hooks), "signature")
    return [Route("/hooks/{name}", answer, methods=["POST"])] if hooks.webhooks else []


async def _body(request: Request, most: int) -> bytes | None:
    """The raw body; None when it is, or says that it is, larger than ``most`` bytes."""
    promised = request.headers.get("content-length", "0")
    if not promised.isdigit() or int(promised) > most:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)


def _refused(status: int, hook: str, request: Request, why: str) -> Response:
    _log.warning("web hook refused", hook=hook, sender=_sender(request), status=status, why=why)
    return Response(status_code=status)


def _sender(request: Request) -> str:
    return request.client.host if request.client else ""
