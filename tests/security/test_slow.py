"""Who sends a byte now and then, to a web hook or to any other route, is not waited for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from reconciler.web.timely import Timely
from tests.real.waiting import PATIENCE


async def _takes(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(b"".join([part async for part in request.stream()]))))


async def _goes_on(request: Request) -> StreamingResponse:
    async def parts():
        while not await request.is_disconnected():
            yield b"x"
            return

    return StreamingResponse(parts())


@contextmanager
def serving(seconds: float) -> Iterator[int]:
    app = Starlette(routes=[Route("/hooks/x", _takes, methods=["POST"]), Route("/live", _goes_on)])
    with socket.create_server(("127.0.0.1", 0)) as found:
        server = uvicorn.Server(uvicorn.Config(Timely(app, seconds), log_config=None, lifespan="off"))
        server.capture_signals = contextmanager(lambda: (yield))  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [found]})
        thread.start()
        try:
            yield found.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(1.0) as found:
        yield found


def asked(port: int, *parts: bytes) -> bytes:
    """All that is answered to what is sent; the connection stays open on this side."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        for part in parts:
            connection.sendall(part)
        found = b""
        while more := connection.recv(4096):
            found += more
        return found


def test_a_body_that_never_ends_is_ended(port):
    head = b"POST /hooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
    assert asked(port, head, b"{").startswith(b"HTTP/1.1 408 ")


def test_a_body_in_parts_without_a_length_is_ended_too(port):
    head = b"POST /hooks/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert asked(port, head, b"1\r\n{\r\n").startswith(b"HTTP/1.1 408 ")


def test_a_body_that_comes_in_time_is_taken_and_an_answer_may_take_its_time():
    body = json.dumps({"a": 1}).encode()
    head = f"POST /hooks/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(PATIENCE) as port:
        assert asked(port, head, body[:2], body[2:]).endswith(str(len(body)).encode())
        assert b"x" in asked(port, b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


def test_the_api_is_served_through_it():
    import inspect

    from reconciler.web import serving as served

    assert "Timely(app)" in inspect.getsource(served.serving)
