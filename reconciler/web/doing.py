"""The routes of what people do: consents and pauses, for programs under ``/api/v1`` and for browsers as forms.

A browser's session never counts under ``/api/v1`` for what changes something: there a token must be shown. Forms carry
the word that only our own pages have. Both end in the same deeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import HanseError
from reconciler.model import Who
from reconciler.model.part import Part
from reconciler.records.consents import Consent
from reconciler.web import causing, shapes
from reconciler.web.asked_deeds import REASON, Asked, AskedConsent, AskedPause
from reconciler.web.deeds import Deeds, Refusal
from reconciler.web.door import VISIT, Answer, Refuse, needing, refused
from reconciler.web.login import posted
from reconciler.web.pages.look import dressed, page
from reconciler.web.sight import Sight

BASE = "/api/v1"
_BODY = 65_536
M = TypeVar("M", bound=Asked)


@dataclass(frozen=True)
class Doing:
    """The routes over the deeds."""

    deeds: Deeds

    def routes(self, refuse: Refuse) -> list[BaseRoute]:
        """Of the API, and of the page."""
        door = self.deeds.sight.door

        def program(path: str, answer: Callable[[Request, bytes], Response], method: str, right: Any) -> Route:
            guarded = needing(door, right, _by_token(answer) if method != "GET" else _plain(answer))
            return Route(f"{BASE}{path}", guarded, methods=[method])

        def form(path: str, answer: Callable[[Who, Mapping[str, str]], str], right: Any) -> Route:
            return Route(
                path,
                needing(door, right, posted(_done(answer, self.deeds.sight, refuse), refuse), refuse),
                methods=["POST"],
            )

        def shown(path: str, answer: Callable[[Request], Response]) -> Route:
            return Route(path, needing(door, "read", _looked(answer, refuse), refuse), methods=["GET"])

        return [
            program("/plans/{digest}/consents", self._parts, "GET", "read"),
            program("/plans/{digest}/consents", self._give, "POST", "approve"),
            program("/plans/{digest}/consents/{id}", self._withdraw, "DELETE", "approve"),
            program("/pauses", self._pauses, "GET", "read"),
            program("/pauses", self._pause, "POST", "pause"),
            program("/pauses/{scope:path}", self._resume, "DELETE", "pause"),
            shown("/plan/part", self._part_page),
            form("/plan/agree", self._agreed_form, "approve"),
            form("/plan/withdraw", self._withdrawn_form, "approve"),
            shown("/hold", self._hold_page),
            form("/hold", self._held_form, "pause"),
            form("/resume", self._resumed_form, "pause"),
        ]

    # -- for programs --------------------------------------------------------------------------------------------------

    def _parts(self, request: Request, _body: bytes) -> Response:
        plan = self._named(request)
        found = [self._shape(part) for part in plan.parts]
        return _json(shapes.PartList(plan=plan.digest, items=found), etag=plan.digest)

    def _give(self, request: Request, body: bytes) -> Response:
        self._named(request, moved=True)
        said = _read(AskedConsent, body)
        seen = request.headers.get("if-match", "")
        if not seen:
            raise Refusal(428, 'say the digest of the part that you saw: If-Match: "..."')
        made, new = self.deeds.consent(
            _who(), said.part, seen.strip().removeprefix("W/").strip('"'), said.reason, said.expires
        )
        return _json(_consent(made), 201 if new else 200)

    def _withdraw(self, request: Request, _body: bytes) -> Response:
        self.deeds.withdraw(_who(), _number(request.path_params["id"]))
        return Response(status_code=204)

    def _pauses(self, _request: Request, _body: bytes) -> Response:
        found = [shapes.PauseShape.model_validate(one) for one in self.deeds.sight.store.pauses.list()]
        return _json(shapes.PauseList(items=found))

    def _pause(self, _request: Request, body: bytes) -> Response:
        said = _read(AskedPause, body)
        found, new = self.deeds.pause(_who(), said.scope, said.reason)
        return _json(shapes.PauseShape.model_validate(found), 201 if new else 200)

    def _resume(self, request: Request, _body: bytes) -> Response:
        self.deeds.resume(_who(), request.path_params["scope"])
        return Response(status_code=204)

    def _named(self, request: Request, *, moved: bool = False) -> Any:
        planned = self.deeds.sight.planned()
        if planned is None:
            raise Refusal(503, "nothing was planned yet")
        asked = request.path_params["digest"]
        known = asked == "latest" or (len(asked) >= 12 and planned.plan.digest.startswith(asked))  # noqa: PLR2004
        if not known and not moved:
            raise Refusal(404, "the plan as of now is another one: ask for latest")
        return planned.plan

    def _shape(self, part: Part) -> shapes.PartShape:
        mine = self.deeds.agreeable(part, VISIT.get().who)
        wanted = [
            shapes.WantedShape(ref=one.ref, what=one.what, why=one.why, by=[str(by) for by in one.by], given=one.given)
            for one in part.wanted
        ]
        consents = [_consent(one) for one in self.deeds.given(part) if one.part == part.name]
        return shapes.PartShape(
            name=part.name, digest=part.digest, open=len(part.open), wanted=wanted, mine=bool(mine), consents=consents
        )

    # -- for browsers --------------------------------------------------------------------------------------------------

    def _part_page(self, request: Request) -> Response:
        part = self.deeds.part(request.query_params.get("name", ""))
        planned = self.deeds.sight.planned()
        actions = {one.ref: one for one in planned.plan.actions} if planned else {}
        visit = VISIT.get()
        mine = self.deeds.agreeable(part, visit.who)
        asked = causing.asked(part.wanted, actions)
        values = {"part": part, "asked": asked, "mine": mine, "visit": visit, "given": self._words(part)}
        values |= {"actions": actions, "number": len(part.wanted)}
        return HTMLResponse(page("part.html", "/plan", self.deeds.sight.clock(), longest=REASON, **values))

    def _words(self, part: Part) -> list[tuple[Consent, bool]]:
        who = VISIT.get().who
        own = (who.identity, who.issuer) if who else None
        return [(one, (one.who.identity, one.who.issuer) == own) for one in self.deeds.given(part)]

    def _hold_page(self, request: Request) -> Response:
        scope, visit = request.query_params.get("scope", "all"), VISIT.get()
        held = next((one for one in self.deeds.sight.store.pauses.list() if one.scope == scope), None)
        values = {"scope": scope, "held": held, "able": self.deeds.holds(visit.who, scope), "visit": visit}
        return HTMLResponse(page("hold.html", "", self.deeds.sight.clock(), longest=REASON, **values))

    def _agreed_form(self, who: Who, form: Mapping[str, str]) -> str:
        self.deeds.consent(who, form.get("part", ""), form.get("seen", ""), form.get("reason", ""))
        return "/plan"

    def _withdrawn_form(self, who: Who, form: Mapping[str, str]) -> str:
        self.deeds.withdraw(who, _number(form.get("id", "")))
        return "/plan"

    def _held_form(self, who: Who, form: Mapping[str, str]) -> str:
        self.deeds.pause(who, form.get("scope", ""), form.get("reason", ""))
        return "/"

    def _resumed_form(self, who: Who, form: Mapping[str, str]) -> str:
        self.deeds.resume(who, form.get("scope", ""))
        return "/"


def _who() -> Who:
    who = VISIT.get().who
    if who is None:
        raise Refusal(401, "nobody is known here")
    return who


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 18):  # noqa: PLR2004
        raise Refusal(404, "there is no such word that counts")
    return int(given)


def _by_token(answer: Callable[[Request, bytes], Response]) -> Answer:
    """For what changes something: cookies and passwords are sent along by browsers unasked, so they do not count."""

    async def answered(request: Request) -> Response:
        visit = VISIT.get()
        basic = request.headers.get("authorization", "").lower().startswith("basic")
        if visit.who is None or visit.session is not None or basic:
            return refused(401, "show a token: Authorization: Bearer", {"WWW-Authenticate": "Bearer"})
        body = bytearray()
        async for some in request.stream():
            body += some
            if len(body) > _BODY:
                return refused(413, f"at most {_BODY} bytes")
        return await run_in_threadpool(_told, answer, request, bytes(body))

    return answered


def _plain(answer: Callable[[Request, bytes], Response]) -> Answer:
    async def answered(request: Request) -> Response:
        return await run_in_threadpool(_told, answer, request, b"")

    return answered


def _told(answer: Callable[[Request, bytes], Response], request: Request, body: bytes) -> Response:
    try:
        return answer(request, body)
    except Refusal as error:
        return refused(error.status, str(error), {"Retry-After": "5"} if error.status == 503 else None)  # noqa: PLR2004
    except HanseError as error:
        return refused(503, str(error), {"Retry-After": "30"})


def _looked(answer: Callable[[Request], Response], refuse: Refuse) -> Answer:
    async def answered(request: Request) -> Response:
        return dressed(await run_in_threadpool(_framed, lambda: answer(request), refuse))

    return answered


def _done(answer: Callable[[Who, Mapping[str, str]], str], sight: Sight, refuse: Refuse) -> Any:
    async def answered(_request: Request, form: Mapping[str, str]) -> Response:
        visit = VISIT.get()
        if visit.who is None or visit.session is None:
            return refuse(401, "log in first")
        if sight.people is not None and sight.clock() - visit.session.since > sight.people.believed:
            return refuse(401, "log in again: what your provider told of your rights is some time ago")
        who = visit.who
        return await run_in_threadpool(_framed, lambda: RedirectResponse(answer(who, form), 303), refuse)

    return answered


def _framed(answer: Callable[[], Response], refuse: Refuse) -> Response:
    try:
        return answer()
    except Refusal as error:
        return refuse(error.status, f"{error}.")
    except HanseError as error:
        return refuse(503, str(error))


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"this is not JSON: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
        raise Refusal(422, "; ".join(faults)) from error


def _consent(one: Consent) -> shapes.ConsentShape:
    return shapes.ConsentShape(
        id=one.id,
        plan=one.plan,
        part=one.part,
        by=one.who.name,
        proof=one.who.proof,
        identity=one.who.identity,
        issuer=one.who.issuer,
        reason=one.reason,
        given_at=one.given_at,
        expires=one.expires,
    )


def _json(shape: shapes.Shape, status: int = 200, etag: str = "") -> Response:
    headers = {"Cache-Control": "private, no-cache", **({"ETag": f'"{etag}"'} if etag else {})}
    return Response(shape.model_dump_json().encode(), status, headers, media_type="application/json")
