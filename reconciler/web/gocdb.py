"""``GET /gocdbpi/public/?method=...``, and ``private``: the programmatic interface of GOCDB, for clients that know it.

``private`` asks for the token of the configuration or for that of a machine which may ``read``. So does ``public``,
unless it is opened: then it answers anybody, without e-mail addresses and telephone numbers. The header ``Hanse-At``
asks for an earlier commit or time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import ManifestError, SourceError
from reconciler.exchange.gocdb import Refused, View, answer, refusal
from reconciler.records.tokens import Tokens
from reconciler.register import NotYet, Register
from reconciler.web.door import declared

AT = "hanse-at"
"""Header: a commit, a day or a time."""


@dataclass(frozen=True)
class Interface:
    """How the interface is served."""

    register: Register
    token: Callable[[], str]
    """What callers must show; "" for nothing."""
    clock: Callable[[], datetime]
    lets_in: Callable[[str], bool] = lambda _token: False
    """Whether the token of a machine will do."""
    public: bool = False
    """Whether anybody may ask under ``public``."""
    scope: str = ""
    """What counts where a request names no scope: GOCDB takes EGI; "" for all."""
    url: str = ""
    """Under which URL clients reach it, for links; "" for that of the request."""


def routes(interface: Interface) -> list[BaseRoute]:
    """The routes of the interface."""
    return [
        Route(f"/gocdbpi/{level}{end}", declared(partial(_answered, interface, level), "read"), methods=["GET"])
        for level in ("public", "private")
        for end in ("", "/")
    ]


def readers(tokens: Tokens) -> Callable[[str], bool]:
    """Lets in whose token may ``read``."""

    def lets_in(shown: str) -> bool:
        found = tokens.shown(shown)
        return found is not None and "read" in found.may

    return lets_in


def _answered(interface: Interface, level: str, request: Request) -> Response:
    """Not a coroutine: it is run in a thread, for a register may have to be made first."""
    known = _known(interface, request)
    if not known and not (level == "public" and interface.public):
        return _xml(refusal(Refused("a bearer token is needed")), 401, {"WWW-Authenticate": "Bearer"})
    at = request.headers.get(AT, "")
    if at and not known:
        return _xml(refusal(Refused(f"{AT} needs a bearer token")), 401, {"WWW-Authenticate": "Bearer"})
    base = (interface.url or str(request.base_url)).rstrip("/")
    view = View(f"{base}/gocdbpi/{level}/", contacts=known and (level == "private" or not interface.public))
    given = dict(request.query_params.items())
    try:
        feed = interface.register.feed(view, at)
        method = given.pop("method", "")
        return _xml(answer(feed, method, given, interface.clock(), interface.scope))
    except Refused as error:
        return _xml(refusal(error), 400)
    except NotYet:
        return _xml(refusal(Refused("nothing has been read yet")), 503, {"Retry-After": "10"})
    except (SourceError, ManifestError) as error:
        return _xml(refusal(Refused(str(error))), 404 if at else 503)


def _known(interface: Interface, request: Request) -> bool:
    """Whether the request shows a token that will do, or needs none."""
    needed = interface.token()
    shown = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    if not needed or hmac.compare_digest(shown.encode(), needed.encode()):
        return True
    return bool(shown) and interface.lets_in(shown)


def _xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, headers, media_type="application/xml")
