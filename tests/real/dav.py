"""A WebDAV server that knows the standard and no more: no checksums, no third-party copies, names percent-encoded.

In a conftest: ``from tests.real.dav import dav`` (a session fixture). ``door`` is the URL of a server that keeps
the names and points there for the bytes, as those of dCache and EOS do; ``liar`` one whose third-party copies end as their path says.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cheroot import wsgi
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.real.answering import answering

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Dav:
    """A running server; ``root`` is what ``url`` shows."""

    url: str
    root: Path

    def folder(self) -> str:
        """A new folder, for one test alone."""
        name = f"test {next(_numbers)}"
        (self.root / name).mkdir()
        return name


@pytest.fixture(scope="session")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dav]:
    """The server, started once."""
    root = tmp_path_factory.mktemp("dav")
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": FilesystemProvider(str(root))},
            "simple_dc": {"user_mapping": {"*": True}},
            "verbose": 0,
            "logging": {"enable": False, "enable_loggers": []},
            "dir_browser": {"enable": False},
            "property_manager": False,
            "lock_storage": False,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=8)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Dav(f"http://127.0.0.1:{server.bind_addr[1]}", root)
    finally:
        server.stop()
        thread.join(10)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up."""


class _Pointing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    there = ""

    def _point(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"{self.there}{self.path}")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _do(self) -> None:
        """Names are this server's own business: it does what is asked, with the other's help."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Connection")}
        if "Destination" in headers:
            headers["Destination"] = self.there + urlsplit(headers["Destination"]).path
        connection = http.client.HTTPConnection(urlsplit(self.there).netloc, timeout=120)
        with closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.send_header(
            "Content-Length", answer.headers["Content-Length"] if self.command == "HEAD" else str(len(content))
        )
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = _point
    do_HEAD = do_DELETE = do_PROPFIND = do_MKCOL = do_MOVE = do_COPY = _do

    def log_message(self, *_arguments: object) -> None:
        return


class _Lying(BaseHTTPRequestHandler):
    """Answers COPY with what the path's last part calls for."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_COPY(self) -> None:
        what = self.path.rpartition("/")[2]
        if what.isdecimal():
            self.send_response(int(what))
            self.send_header("Retry-After", "9")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(201)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for count in (0, 40, 100):
            self._say(f"Perf Marker\nTimestamp: 1\nStripe Index: 0\nStripe Bytes Transferred: {count}\nEnd\n")
        if what == "silent":
            time.sleep(20)
        for step in range(40 if what in ("stalled", "trickling") else 0):
            count = 100 if what == "stalled" else 100 + step
            self._say(f"Perf Marker\nStripe Bytes Transferred: {count}\nEnd\n")
            time.sleep(0.1)
        self._say({"success": "success: Created", "full": "failure: No space left on device"}.get(what, ""))
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, text: str) -> None:
        if text:
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = _Quiet(("127.0.0.1", 0), handler)
    with answering(server) as url:
        yield url


@pytest.fixture(scope="session")
def door(dav: Dav) -> Iterator[str]:
    """A server that sends everybody on to the other for bytes."""
    with _served(type("Pointing", (_Pointing,), {"there": dav.url})) as url:
        yield url


@pytest.fixture(scope="session")
def liar() -> Iterator[str]:
    """A server whose copies end as their path says."""
    with _served(_Lying) as url:
        yield url
