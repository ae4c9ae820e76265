"""Requests that come in time: who sends a byte now and then holds a place that others wait for."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 30.0
"""A request must have come within so long."""


class Timely:
    """Ends a request whose body has not come in time with 408."""

    def __init__(self, app: ASGIApp, seconds: float = SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, with a body that does not keep it waiting."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._seconds
        whole = False

        async def timely() -> Message:
            nonlocal whole
            if whole:  # what it waits for now is that the other side goes away
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, headers={"Connection": "close"}) from error
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, timely, send)
