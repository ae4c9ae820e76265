"""Who comes in, and what for: the one place where a request becomes a ``Who``, and where a route's right is checked.

Machines show an API token, people the access token of a provider that the operator trusts, or in a browser the cookie
of a session. Each route says the right that it needs; what somebody may do to single things, policies in git say.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from reconciler.errors import DriverError, RecordsError, Transient
from reconciler.model import Who
from reconciler.records.sessions import Session
from reconciler.records.store import Store
from reconciler.web.oidc import People

Answer = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[int, str], Response]
RouteRight = Literal["open", "signature", "known", "read", "results", "metrics", "approve", "pause"]
"""``open``: nothing is asked for; ``signature``: the request proves itself; ``known``: anybody whom we know."""
_DEEDS = ("approve", "pause")
"""Whether somebody may do these depends on to what: whoever answers must ask."""
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Visit:
    """What is known of whoever asks, for those who answer."""

    who: Who | None = None
    session: Session | None = None
    csrf: str = ""
    """What forms must carry."""
    login: str = ""
    """The way to the login and back to what was asked for; "" where nobody logs in."""


VISIT: ContextVar[Visit] = ContextVar("visit", default=Visit())  # noqa: B039 (it is frozen)
"""The visit that is being answered."""


class Unknown(Exception):
    """Somebody showed what does not hold, or nothing. ``status`` 401, or 503 where it could not be found out."""

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Door:
    """What is asked for here."""

    store: Store
    token: Callable[[], str] | None = None
    """One token that may read, from the configuration."""
    people: People | None = None
    open: frozenset[str] = frozenset()
    """Rights for which nothing is asked."""
    local: bool = False
    """Nothing is asked for at all, so only names of this machine itself are answered to."""
    views: Callable[[Who], bool] = lambda _who: False
    """Whether somebody may look by a policy in git."""
    basic: bool = True
    """Whether browsers may show a token as a password."""
    unread: Callable[[], bool] = lambda: False
    """Whether git was not read yet, so that nobody knows what policies say."""

    def lacks(self, who: Who, right: RouteRight) -> str:
        """Why somebody may not; "" when he may, as far as one can say before one knows what it is about."""
        if right == "known":
            return ""
        if who.proof == "token":
            return "" if right in who.may else f"the token {who.name} may not {right}: it may {_listed(who)}"
        if right not in ("read", *_DEEDS):
            return "this is for machines: hanse token create lets one in"
        if self.people is not None and self.people.reads(who):
            return ""
        return "" if self.views(who) else f"{who.name} is known here, and may not look: nobody has said so"


def needing(door: Door, right: RouteRight, answer: Answer, refuse: Refuse | None = None) -> Answer:
    """Let those in who have a right; the route then declares it (``right_of``)."""
    no = refuse or refused

    async def guarded(request: Request) -> Response:
        try:
            visit = await run_in_threadpool(visited, door, request, right)
        except Unknown as error:
            VISIT.set(Visit(login=login_at(door, request)))
            return _unknown(door, error, no)
        except RecordsError as error:
            return _unknown(door, Unknown(str(error), 503), no)
        VISIT.set(visit)
        request.state.who = visit.who
        if visit.who is None:
            if door.local and not own(request.headers.get("host", "")):
                return no(403, "without a token, only this machine's own names are answered to")
            if not _free(door, right):
                return _unknown(door, Unknown(_SHOW if refuse is None or not visit.login else _LOGIN), no)
            return await answer(request)
        lack = "" if _free(door, right) else door.lacks(visit.who, right)
        return _lacking(door, visit.who, right, lack, no) if lack else await answer(request)

    found: Answer = declared(guarded, right)
    return found


def _lacking(door: Door, who: Who, right: RouteRight, lack: str, no: Refuse) -> Response:
    """Somebody may not, or it is not known yet whether he may: policies speak of people alone."""
    unread = right in ("read", *_DEEDS) and who.proof != "token" and door.unread()
    return _unknown(door, Unknown(UNREAD, 503), no) if unread else no(403, lack)


UNREAD = "this machine stands by, or has not read git yet: who may look here is not known"
"""Said to people of whom only a policy in git could speak."""
_LOGIN = "log in, or show a token"
_SHOW = "show a token: Authorization: Bearer, x-api-key, or as the password of Basic"


def _free(door: Door, right: RouteRight) -> bool:
    return right == "open" or right in door.open or (door.local and right == "read")


def declared(answer: Any, right: RouteRight) -> Any:
    """The same answer, with the right that it needs written on it."""
    answer.right = right
    return answer


def right_of(route: BaseRoute) -> RouteRight | None:
    """The right that a route declares; None where somebody forgot."""
    found: RouteRight | None = getattr(getattr(route, "endpoint", None), "right", None)
    return found


def visited(door: Door, request: Request, right: RouteRight = "read") -> Visit:
    """Who asks. What is shown must hold: nobody is let in as a stranger with a token that is over.

    Raises Unknown.
    """
    able = login_at(door, request)
    words = list(shown(request.headers, basic=door.basic))
    for word in words:
        who = _bearer(door, word)
        if who is not None:
            return Visit(who, login=able)
    if words and not _free(door, right):
        raise Unknown(_SHOW)
    cookie = request.cookies.get(cookie_name(request)) if door.people is not None else None
    if cookie and door.people is not None:
        idle = timedelta(minutes=door.people.settings.idle_minutes)
        session = door.store.sessions.shown(cookie, idle)
        if session is not None and session.who.issuer in door.people.issuers:
            return Visit(session.who, session, csrf_of(cookie), able)
    return Visit(login=able)


def reading(door: Door) -> Callable[[str], bool]:
    """Whether whoever shows a word may look."""

    def lets_in(word: str) -> bool:
        try:
            who = _bearer(door, word)
        except Unknown:
            return False
        return who is not None and not door.lacks(who, "read")

    return lets_in


def _bearer(door: Door, word: str) -> Who | None:
    if door.token is not None and hmac.compare_digest(word.encode(), door.token().encode()):
        return Who("the token of [web]", "token", "[web] token", may=frozenset({"read"}))
    found = door.store.tokens.shown(word)
    if found is not None:
        return Who(found.name, "token", found.name, may=frozenset(found.may))
    if door.people is None or word.count(".") != 2:  # noqa: PLR2004 (only a JWT has two)
        return None
    try:
        return door.people.bearer(word)
    except Transient as error:
        raise Unknown(str(error), 503) from error
    except DriverError as error:
        raise Unknown(str(error)) from error


def _unknown(door: Door, error: Unknown, refuse: Refuse) -> Response:
    response = refuse(error.status, str(error))
    if error.status == 503:  # noqa: PLR2004
        response.headers["Retry-After"] = "10"
        return response
    if door.basic and door.people is None:
        response.headers.append("WWW-Authenticate", 'Basic realm="Hanse", charset="UTF-8"')
    response.headers.append("WWW-Authenticate", "Bearer")
    return response


def refused(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as RFC 9457 has it."""
    body = {"type": "about:blank", "status": status, "title": _TITLES.get(status, "Error"), "detail": why}
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def cookie_name(request: Request) -> str:
    """Behind https nobody but this very host can set it."""
    return "__Host-hanse" if request.url.scheme == "https" else "hanse"


def login_at(door: Door, request: Request) -> str:
    """The way to the login and back to what was asked for."""
    if door.people is None:
        return ""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/login?next={quote(asked, safe='')}" if request.method == "GET" else "/login"


def csrf_of(cookie: str) -> str:
    """What forms must carry: only who has the cookie can know it."""
    return hashlib.sha256(f"csrf:{cookie}".encode()).hexdigest()


def shown(headers: Mapping[str, str], *, basic: bool = True) -> Iterator[str]:
    """Tokens that a request shows, in any of three ways."""
    if headers.get("x-api-key"):
        yield headers["x-api-key"]
    scheme, _, said = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and said.strip():
        yield said.strip()
    if scheme.lower() == "basic" and basic:
        try:
            password = base64.b64decode(said.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return
        if password:
            yield password


def own(host: str) -> bool:
    """Whether a ``Host`` header names this machine itself."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def _listed(who: Who) -> str:
    return ", ".join(sorted(who.may)) or "nothing"
