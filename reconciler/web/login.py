"""``/login``, ``/callback``, ``/me``, ``/logout``: people log in through a provider, with code and PKCE, and out again.

Nothing here needs JavaScript. The browser keeps a random word in a cookie that scripts cannot read; all else is kept
in the records. After a login the word is another one than before.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import HanseError, RecordsError, Transient
from reconciler.records.sessions import Begun
from reconciler.web import shapes
from reconciler.web.door import VISIT, Answer, Refuse, cookie_name, csrf_of, needing, refused
from reconciler.web.oidc import People, pending
from reconciler.web.pages.look import dressed, page
from reconciler.web.sight import Sight

_log = structlog.get_logger()
_PATIENCE = timedelta(minutes=10)
"""So long somebody may take to log in."""
_PATH = 2_000
_FORM = 65_536
"""Bytes of the largest form."""


class Forged(Exception):
    """A form that did not come from one of our own pages."""


@dataclass(frozen=True)
class Entrance:
    """Where people come in."""

    sight: Sight
    people: People
    url: str = ""
    """``https://hanse.example.org``; "" for what the browser asked for."""
    randomness: Callable[[int], str] = secrets.token_hex

    def routes(self, refuse: Refuse) -> list[BaseRoute]:
        """The routes. Whoever comes need not be known; forms need the word that only our pages have."""
        door = self.sight.door
        return [
            Route("/login", needing(door, "open", self._login, refuse), methods=["GET"]),
            Route("/callback", needing(door, "open", self._callback, refuse), methods=["GET"]),
            Route("/me", needing(door, "known", self._me, refuse), methods=["GET"]),
            Route("/logout", needing(door, "open", posted(self._logout, refuse), refuse), methods=["POST"]),
            Route("/api/v1/login", needing(door, "open", self._issuers), methods=["GET"]),
            Route("/api/v1/whoami", needing(door, "known", self._whoami), methods=["GET"]),
        ]

    async def _login(self, request: Request) -> Response:
        after = own_path(request.query_params.get("next", ""))
        known = list(self.people.issuers.values())
        asked = request.query_params.get("issuer", known[0].url if len(known) == 1 else "")
        if asked not in self.people.issuers:
            ways = [
                (one.settings.label or urlsplit(one.url).hostname, urlencode({"issuer": one.url, "next": after}))
                for one in known
            ]
            return self._page("login.html", ways=ways, said="")
        try:
            to, shown = await run_in_threadpool(self._begun, asked, self._back(request), after)
        except HanseError as error:
            return self._failed(error)
        response = RedirectResponse(to, 303)
        self._cookie(response, request, f"{cookie_name(request)}-login", shown, _PATIENCE)
        return response

    def _begun(self, issuer: str, back: str, after: str) -> tuple[str, str]:
        begun = Begun(issuer, back, after)
        shown = self.sight.store.sessions.begin(begun, self.randomness, _PATIENCE)
        return self.people.begin(pending(issuer, back, shown)), shown

    async def _callback(self, request: Request) -> Response:
        cookie = request.cookies.get(f"{cookie_name(request)}-login", "")
        before = request.cookies.get(cookie_name(request), "")
        try:
            shown, after = await run_in_threadpool(self._finished, cookie, before, dict(request.query_params))
        except HanseError as error:
            return self._failed(error)
        response = dressed(RedirectResponse(after, 303))
        lasts = timedelta(hours=self.people.settings.session_hours)
        self._cookie(response, request, cookie_name(request), shown, lasts)
        self._cookie(response, request, f"{cookie_name(request)}-login", "", timedelta())
        return response

    def _finished(self, cookie: str, before: str, given: Mapping[str, str]) -> tuple[str, str]:
        kept = self.sight.store.sessions
        begun = kept.take(cookie) if cookie else None
        if begun is None:
            raise HanseError("no login was begun in this browser, or it took too long: begin again")
        who = self.people.finish(pending(begun.issuer, begun.redirect, cookie), given)
        if before:
            kept.close(before)
        kept.prune(timedelta(minutes=self.people.settings.idle_minutes))
        shown = kept.open(who, self.randomness, timedelta(hours=self.people.settings.session_hours))
        _log.info("logged in", who=who.name, identity=who.identity, issuer=who.issuer)
        return shown, begun.next

    async def _logout(self, request: Request, form: Mapping[str, str]) -> Response:
        cookie, visit = request.cookies.get(cookie_name(request), ""), VISIT.get()
        if visit.session is not None:
            kept, who = self.sight.store.sessions, visit.session.who
            if form.get("everywhere"):
                await run_in_threadpool(kept.close_all, who)
            else:
                await run_in_threadpool(kept.close, cookie)
            _log.info("logged out", who=who.name, identity=who.identity, everywhere=bool(form.get("everywhere")))
        response = RedirectResponse("/login?issuer=", 303)
        self._cookie(response, request, cookie_name(request), "", timedelta())
        return response

    async def _me(self, _request: Request) -> Response:
        visit = VISIT.get()
        reads = visit.who is not None and not self.sight.door.lacks(visit.who, "read")
        return self._page("me.html", visit=visit, reads=reads)

    async def _issuers(self, _request: Request) -> Response:
        """What ``hanse login`` must know: all of it is public."""
        found = [
            {
                "issuer": one.url,
                "client_id": one.settings.device_client_id or one.settings.client_id,
                "scopes": list(one.settings.scopes),
                "label": one.settings.label,
            }
            for one in self.people.issuers.values()
        ]
        return JSONResponse({"issuers": found})

    async def _whoami(self, _request: Request) -> Response:
        who = VISIT.get().who
        if who is None:
            return refused(401, "nobody is known here")
        body = shapes.WhoShape(
            name=who.name,
            proof=who.proof,
            identity=who.identity,
            issuer=who.issuer,
            entitlements=sorted(who.entitlements),
            may=sorted(who.may),
            reads=not self.sight.door.lacks(who, "read"),
        )
        return JSONResponse(body.model_dump(), headers={"Cache-Control": "no-store"})

    def _failed(self, error: HanseError) -> Response:
        transient = isinstance(error, Transient | RecordsError)
        _log.warning("login failed", why=str(error))
        return self._page("login.html", 503 if transient else 403, ways=[("Try again", "")], said=str(error))

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        response = HTMLResponse(page(template, "", self.sight.clock(), **values), status)
        response.headers["Cache-Control"] = "no-store"
        return dressed(response)

    def _back(self, request: Request) -> str:
        return f"{(self.url or str(request.base_url)).rstrip('/')}/callback"

    def _cookie(self, response: Response, request: Request, name: str, value: str, lasts: timedelta) -> None:
        secure = request.url.scheme == "https"
        age = int(lasts.total_seconds())
        response.set_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")


def posted(answer: Callable[[Request, Mapping[str, str]], Awaitable[Response]], refuse: Refuse = refused) -> Answer:
    """For forms of our own pages: they carry a word that only who sees our pages can know."""

    async def checked(request: Request) -> Response:
        try:
            form = await form_of(request)
        except Forged as error:
            return refuse(403, str(error))
        return await answer(request, form)

    return checked


async def form_of(request: Request) -> dict[str, str]:
    """What a form says. Raises Forged when it is not one of ours."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _FORM:
            raise Forged("the form is too large")
    try:
        given = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Forged("this is no form") from error
    cookie = request.cookies.get(cookie_name(request), "")
    word = given.pop("csrf", "")
    if not cookie or not secrets.compare_digest(word.encode(), csrf_of(cookie).encode()):
        raise Forged("this form is not one of ours, or it is of another session: load the page again")
    return given


def own_path(asked: str) -> str:
    """Where to go after a login: a path of our own, otherwise the first page."""
    plain = asked.isascii() and asked.isprintable() and "\\" not in asked and len(asked) <= _PATH
    own = plain and asked.startswith("/") and not asked.startswith("//") and not urlsplit(asked).netloc
    return asked if own and not asked.startswith(("/login", "/callback", "/logout")) else "/"
