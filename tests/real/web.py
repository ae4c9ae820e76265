"""A real web server on loopback that tells the truth, lies, stalls or breaks off, as the path says.

In a conftest: ``from tests.real.web import web`` (a session fixture). Paths: ``/bytes/N``, ``/short/N`` (breaks off
half-way), ``/chunked-short/N``, ``/status/CODE``, ``/to?URL`` (redirects), ``/slow/N`` (a piece each 50 ms),
``/held/N`` (hardly moves until ``/let-go/N``).
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from tests.real.answering import answering


def content(size: int) -> bytes:
    """What ``/bytes/size`` serves."""
    return bytes(i * 31 % 251 for i in range(min(size, 1 << 16))) * (size // (1 << 16) + 1)


_PIECE = 1 << 14
_LET_GO: defaultdict[int, threading.Event] = defaultdict(threading.Event)
"""By the size that is held."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300

    def do_GET(self) -> None:
        what, _, argument = self.path[1:].partition("/")
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", unquote(self.path[4:]))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif what == "status":
            self.send_response(int(argument))
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif what == "let-go":
            _LET_GO[int(argument)].set()
            self._body("bytes", b"")
        else:
            self._body(what, content(int(argument))[: int(argument)])

    def _body(self, what: str, body: bytes) -> None:
        self.send_response(200)
        if what == "chunked-short":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            half = body[: len(body) // 2]
            self.wfile.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
            self.close_connection = True
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if what == "slow":
            for i in range(0, len(body), 1 << 18):
                self.wfile.write(body[i : i + (1 << 18)])
                time.sleep(0.05)
            return
        if what == "held":
            while len(body) > _PIECE and not _LET_GO[int(self.path.rpartition("/")[2])].wait(0.05):
                self.wfile.write(body[:_PIECE])
                body = body[_PIECE:]
        self.wfile.write(body[: len(body) // 2] if what == "short" else body)
        self.close_connection = what == "short"

    def log_message(self, *_arguments: object) -> None:
        return


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


@pytest.fixture(scope="session")
def web() -> Iterator[str]:
    """The base URL."""
    server = _Quiet(("127.0.0.1", 0), _Handler)
    with answering(server) as url:
        yield url
