"""Serves the HTTP API beside the loop, in a thread of its own; it ends with the loop.

Starlette and uvicorn: the API to come needs routing, streaming and back-pressure, and these are small and well kept.
They are an extra (``web``): who does not listen need not install them.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.routing import BaseRoute

from reconciler.copies import Board
from reconciler.errors import SettingsError
from reconciler.web.datasets import application
from reconciler.web.door import Door
from reconciler.web.timely import Timely

_GRACE = 3
"""Seconds that requests have to end."""
_AT_ONCE = 1000
"""Connections beyond these are told to come again later (503)."""


@contextmanager
def serving(
    listen: str,
    board: Board,
    token: Callable[[], str] | None,
    others: Sequence[BaseRoute] = (),
    door: Door | None = None,
    proxies: Sequence[str] = (),
) -> Iterator[str]:
    """Serve on ``host:port`` while the block runs; gives the URL (port 0: a free one). ``others`` are served besides.

    ``door``: who comes in; ``proxies``: addresses whose ``X-Forwarded-Proto`` and ``X-Forwarded-For`` count. Raises
    SettingsError when the address cannot be used, or when others could reach it and nothing is asked for.
    """
    host, port = _address(listen)
    if token is None and (door is None or door.people is None) and not _own(host):
        raise SettingsError(f"{listen} can be reached from elsewhere: give token in [web], or listen on 127.0.0.1")
    try:
        found = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SettingsError(f"{listen}: {error.strerror or error}") from error
    # What is accepted inherits it; without it the end of an answer waits for the other side's word on its beginning.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ended = threading.Event()
    app = application(board, token or (lambda: ""), ended.is_set, door)
    app.router.routes.extend(others)
    config = uvicorn.Config(
        Timely(app),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=_AT_ONCE,
        lifespan="off",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [found]}, name="web", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{shown}:{found.getsockname()[1]}"
    finally:
        ended.set()
        server.should_exit = True
        thread.join(2 * _GRACE + 2)
        found.close()


class _Server(uvicorn.Server):
    """Signals are the loop's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit():
        raise SettingsError(f"{listen!r} is not an address to listen on; write 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
