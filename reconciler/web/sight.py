"""What the API and the pages look at: the records, and what the loop beside them has planned last. And who may look."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from reconciler.errors import HanseError
from reconciler.model import Graph, Plan
from reconciler.records.store import Store
from reconciler.records.tokens import ApiToken
from reconciler.uptime import Explained
from reconciler.web.known import Answer, Refuse, refused


class Planned(Protocol):
    """What a round of the loop has planned."""

    @property
    def plan(self) -> Plan:
        """What was to be done."""
        ...

    @property
    def graph(self) -> Graph:
        """What is declared, with choices made."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...


def _nowhere(_site: str, _day: date, _report: str) -> Explained:
    raise HanseError("days are not explained here")


@dataclass(frozen=True)
class Sight:
    """Everything that may be looked at, asked anew each time."""

    store: Store
    clock: Callable[[], datetime]
    planned: Callable[[], Planned | None] = lambda: None
    """What the last round planned; None until git was read and the world looked at for the first time."""
    explain_day: Callable[[str, date, str], Explained] = _nowhere
    """(site, day, report, "" for the usual one); raises HanseError."""
    token: Callable[[], str] | None = None
    """What callers must show; None where nothing is asked for, which only this machine's own address may do."""
    open: bool = False
    """Whether anybody may look, without a token."""
    ended: Callable[[], bool] = lambda: False
    """Streams shall end."""
    kept: dict[Any, Any] = field(default_factory=dict)
    """What is dear to make and stays good for a while."""


def looking(sight: Sight, answer: Answer, refuse: Refuse = refused) -> Answer:
    """Let those in who may look: with the configured token, or with one of ``hanse token`` that may read.

    Browsers show it as the password of HTTP Basic, whatever the user. Nothing is asked for where no token is
    configured; then only names of this machine itself are answered to, so that no page from elsewhere can look here
    through a browser.
    """

    async def guarded(request: Request) -> Response:
        refusal = None if sight.open else await _refusal(sight, request.headers, refuse)
        return await answer(request) if refusal is None else refusal

    return guarded


async def _refusal(sight: Sight, headers: Mapping[str, str], refuse: Refuse) -> Response | None:
    if sight.token is None:
        if _own(headers.get("host", "")):
            return None
        return refuse(403, "without a token, only this machine's own names are answered to")
    for shown in _shown(headers):
        if hmac.compare_digest(shown.encode(), sight.token().encode()):
            return None
        found: ApiToken | None = await run_in_threadpool(sight.store.tokens.shown, shown)
        if found is not None:
            may = f"it may {', '.join(found.may)}"
            return None if "read" in found.may else refuse(403, f"the token {found.name} may not read: {may}")
    response = refuse(401, "show a token: Authorization: Bearer, x-api-key, or as the password of Basic")
    response.headers.append("WWW-Authenticate", 'Basic realm="Hanse", charset="UTF-8"')
    response.headers.append("WWW-Authenticate", "Bearer")
    return response


def _shown(headers: Mapping[str, str]) -> Iterator[str]:
    """Tokens that a request shows, in any of three ways."""
    if headers.get("x-api-key"):
        yield headers["x-api-key"]
    scheme, _, said = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and said.strip():
        yield said.strip()
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(said.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return
        if password:
            yield password


def _own(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
