"""``GET /api/v1/stream``: Server-Sent Events. ``changed`` when anything was done, ``moving`` with what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from reconciler.errors import HanseError
from reconciler.web import seen
from reconciler.web.known import Answer, refused
from reconciler.web.sight import Sight

_LOOK = 1.0
"""Seconds between two looks; all streams share each."""
_NAP = 0.25
_PING = 15
_MOST = 100
"""So many at a time."""


def stream(sight: Sight) -> Answer:
    """The answer; who looks at the same time shares the looks."""
    shared = _Shared(sight)
    streams: set[object] = set()

    async def answer(_request: Request) -> Response:
        if len(streams) >= _MOST:
            return refused(503, f"{_MOST} streams are open already", {"Retry-After": "30"})
        return EventSourceResponse(told(), ping=_PING)

    async def told() -> AsyncIterator[dict[str, str]]:
        mark = object()
        streams.add(mark)
        try:
            before: tuple[bytes, bytes] = (b"", b"")
            while not sight.ended():
                changed, moving = await shared.look()
                if changed != before[0]:
                    yield {"event": "changed", "data": changed.decode()}
                if moving != before[1]:
                    yield {"event": "moving", "data": moving.decode()}
                before = (changed, moving)
                await asyncio.sleep(_NAP)
        finally:
            streams.discard(mark)

    return answer


class _Shared:
    """One look at the database for everybody."""

    def __init__(self, sight: Sight) -> None:
        self._sight, self._at = sight, float("-inf")
        self._found = (b"", b"")
        self._turn = asyncio.Lock()

    async def look(self) -> tuple[bytes, bytes]:
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if now - self._at >= _LOOK:
                self._found = await run_in_threadpool(self._looked)
                self._at = now
        return self._found

    def _looked(self) -> tuple[bytes, bytes]:
        try:
            moving = [one.model_dump(mode="json") for one in seen.under_way(self._sight)]
            return seen.latest(self._sight).encode(), orjson.dumps(moving)
        except HanseError:
            return self._found  # told again once the database answers
