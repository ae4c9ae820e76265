"""``GET /v1/datasets/events``: a stream that tells when a dataset has as many copies as somebody waits for.

Server-Sent Events: first how it stands, then each change. ``?dataset=scope:name&copies=2&at=EXPRESSION``; without
``stream`` support in a client, ``GET /v1/datasets/copies`` answers the same once.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from functools import partial

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.copies import Board, Fact, Question
from reconciler.kinds.expression import ExpressionError
from reconciler.web.door import Answer, Door, declared, needing

_LOOK = 0.25
"""Seconds between two looks at the board: however many streams there are, none holds a thread."""
_PING = 15
"""Seconds between two signs of life."""


class _Wrong(Exception):
    """What was asked cannot be understood."""


def application(
    board: Board, token: Callable[[], str], ended: Callable[[], bool], door: Door | None = None
) -> Starlette:
    """The application. ``token``: what callers must show, "" for nothing; ``ended``: streams shall end.

    With a ``door``, whoever may read comes in as well.
    """

    def guarded(answer: Answer) -> Answer:
        if door is not None and door.people is not None:
            return needing(door, "read", _told_wrong(answer))
        found: Answer = declared(_guarded(token, answer), "read")
        return found

    return Starlette(
        routes=[
            Route("/v1/datasets/events", guarded(partial(_events, board, ended)), methods=["GET"]),
            Route("/v1/datasets/copies", guarded(partial(_copies, board)), methods=["GET"]),
        ]
    )


def _guarded(token: Callable[[], str], answer: Answer) -> Answer:
    async def guarded(request: Request) -> Response:
        needed, shown = token(), request.headers.get("authorization", "")
        if needed and not hmac.compare_digest(shown.encode(), f"Bearer {needed}".encode()):
            return _refused(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        return await _told_wrong(answer)(request)

    return guarded


def _told_wrong(answer: Answer) -> Answer:
    async def told(request: Request) -> Response:
        try:
            return await answer(request)
        except _Wrong as error:
            return _refused(400, str(error))

    return told


async def _copies(board: Board, request: Request) -> Response:
    dataset, question = _asked(request)
    return JSONResponse({"items": [fact.data() for fact in board.facts(dataset, question)]})


async def _events(board: Board, ended: Callable[[], bool], request: Request) -> Response:
    dataset, question = _asked(request)
    return EventSourceResponse(_told(board, dataset, question, ended), ping=_PING)


async def _told(
    board: Board, dataset: str, question: Question, ended: Callable[[], bool]
) -> AsyncIterator[dict[str, str]]:
    """How it stands, then what changes."""
    before: dict[str, Fact] = {}
    seen = 0
    while not ended():
        version = board.version
        if version == seen:
            await asyncio.sleep(_LOOK)
            continue
        seen = version
        for fact in board.facts(dataset, question):
            if before.get(fact.dataset) != fact:
                before[fact.dataset] = fact
                yield {"event": "copies", "id": str(version), "data": json.dumps(fact.data())}


def _asked(request: Request) -> tuple[str, Question]:
    given = request.query_params
    unknown = sorted(set(given) - {"dataset", "copies", "at"})
    if unknown or not given.get("dataset"):
        raise _Wrong(f"{unknown[0]} is not known here" if unknown else "give dataset=scope:name, or a pattern")
    copies = given.get("copies", "1")
    if not copies.isascii() or not copies.isdigit() or not 1 <= int(copies) <= 1000:  # noqa: PLR2004
        raise _Wrong("copies is a number from 1 on")
    question = Question(int(copies), given.get("at") or "*")
    try:
        question.expression()
    except ExpressionError as error:
        raise _Wrong(f"at: {error}") from error
    return given["dataset"], question


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal as RFC 9457 has it."""
    body = {"type": "about:blank", "status": status, "title": "Bad Request" if status == 400 else "Unauthorized"}  # noqa: PLR2004
    said = {**body, "detail": why}
    return JSONResponse(said, status_code=status, headers=headers, media_type="application/problem+json")
