"""A front door to the cloud that counts what clients ask for, and can keep, lose or spoil their calls.

It runs in the process that asked for it, so that no two tests count each other's calls. One port serves all services,
each under a prefix (``/identity``, ``/compute``, ``/network``, ``/image``, ``/placement``); addresses of the services in
answers (the catalogue above all) are replaced by the proxy's own. It knows nothing of OpenStack but that.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

How = Literal["refuse", "hang", "lose", "delay"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade", "accept-encoding"}
Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, content."""
ANSWER_SECONDS = 120.0
"""How long a service may take to answer."""


@dataclass(frozen=True)
class Call:
    """One call of a client. ``status`` is 0 when it got no answer."""

    service: str
    method: str
    path: str
    """Below the service's prefix, with the query: ``/v2.1/servers/detail?limit=10``."""
    status: int
    seconds: float
    agent: str
    """The client's User-Agent."""

    def matches(self, service: str, method: str, path: str) -> bool:
        """Whether it is of that service and method, and ``path``, a regular expression, is found in its path."""
        return service in {"", self.service} and method in {"", self.method} and re.search(path, self.path) is not None


@dataclass
class Fault:
    """What happens to the ``nth`` matching call and the ``times - 1`` after it.

    ``how``: ``refuse`` answers ``status`` without asking the service; ``hang`` neither asks nor answers, and closes the
    connection after ``seconds`` or when the fault ends; ``lose`` lets the service do it, then closes the connection
    instead of answering; ``delay`` waits ``seconds`` (or until the fault ends), then goes on as usual.
    """

    how: How
    service: str = ""
    method: str = ""
    path: str = ""
    """Regular expression, searched for in `Call.path`; "" matches all."""
    nth: int = 1
    times: int = 1
    status: int = 503
    seconds: float = 600.0
    hits: int = 0
    """How often it struck so far."""
    seen: int = 0
    """How many calls matched so far."""
    struck: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when it strikes for the first time: a test waits for that with ``struck.wait(60)``."""
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when it ends; lets go of waiting calls."""

    def strikes(self, call: Call) -> bool:
        """Whether it strikes this call; a matching call is counted."""
        if not call.matches(self.service, self.method, self.path):
            return False
        self.seen += 1
        if not self.nth <= self.seen < self.nth + self.times:
            return False
        self.hits += 1
        self.struck.set()
        return True


class Proxy:
    """A running proxy in front of ``services``: name -> address."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self.services = {name: urlsplit(url).netloc for name, url in services.items()}
        self._calls: list[Call] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def auth_url(self) -> str:
        """What clients are given as keystone's address: ``http://127.0.0.1:<port>/identity/v3``."""
        return f"{self.url}/identity/v3"

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in the order of their ends."""
        with self._lock:
            return list(self._calls)

    def count(self, service: str = "", method: str = "", path: str = "") -> int:
        """Number of matching calls so far; ``path`` is searched for as a regular expression."""
        return sum(call.matches(service, method, path) for call in self.calls)

    def counts(self) -> Counter[tuple[str, str]]:
        """(service, method) -> number of calls."""
        return Counter((call.service, call.method) for call in self.calls)

    def writes(self) -> list[Call]:
        """Calls that may change something: all but GET and HEAD, and without logging in (POST of a token)."""
        reading = {"GET", "HEAD", "OPTIONS"}
        return [c for c in self.calls if c.method not in reading and not re.search(r"/auth/tokens$", c.path)]

    def reset(self) -> None:
        """Forget calls and faults."""
        with self._lock:
            for fault in self._faults:
                fault.over.set()
            self._faults.clear()
            self._calls.clear()

    @contextmanager
    def fault(
        self, how: How, service: str = "", method: str = "", path: str = "", *, nth: int = 1, times: int = 1,
        status: int = 503, seconds: float = 600.0,
    ) -> Iterator[Fault]:  # fmt: skip
        """Have calls fail while the context lasts; waiting calls are let go at its end. See `Fault`."""
        fault = Fault(how, service, method, path, nth, times, status, seconds)
        with self._lock:
            self._faults.append(fault)
        try:
            yield fault
        finally:
            fault.over.set()
            with self._lock, suppress(ValueError):
                self._faults.remove(fault)

    def close(self) -> None:
        """End it, and the calls that still wait."""
        self.reset()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def note(self, call: Call) -> None:
        """Write a call down."""
        with self._lock:
            self._calls.append(call)

    def strike(self, call: Call) -> Fault | None:
        """The fault that this call meets."""
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(call)), None)

    def rewritten(self, text: bytes) -> bytes:
        """``text`` with the services' addresses replaced by this proxy's."""
        for name, netloc in self.services.items():
            text = text.replace(f"http://{netloc}".encode(), f"{self.url}/{name}".encode())
        return text


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def _serve(self) -> None:
        began = time.monotonic()
        body = self._body()
        service, _, path = self.path.lstrip("/").partition("/")
        call = Call(service, self.command, f"/{path}", 0, 0.0, self.headers.get("User-Agent", ""))
        answer = self._answer(call, body)
        # Before it is sent: who has the answer finds the call counted.
        self.server.proxy.note(replace(call, status=answer[0] if answer else 0, seconds=time.monotonic() - began))
        if answer:
            self._send(*answer)
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _answer(self, call: Call, body: bytes) -> Answer | None:
        """What ``call`` is answered; None when it gets no answer."""
        proxy = self.server.proxy
        fault = proxy.strike(call)
        how = fault.how if fault else ""
        if fault and how in {"hang", "delay"}:
            fault.over.wait(fault.seconds)
        if how == "hang":
            return None
        if fault and how == "refuse":
            return _said(fault.status, "refused by a test")
        if call.service not in proxy.services:
            return _said(404, "no such service")
        answer = self._forward(call, body)
        return None if how == "lose" else answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _forward(self, call: Call, body: bytes) -> Answer:
        netloc = self.server.proxy.services[call.service]
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {*HOP_BY_HOP, "host"}}
        if body or self.command in {"POST", "PUT", "PATCH"}:
            headers["Content-Length"] = str(len(body))
        connection = http.client.HTTPConnection(netloc, timeout=ANSWER_SECONDS)
        try:
            connection.request(self.command, call.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except OSError as error:
            return _said(502, f"{call.service} does not answer: {error}")
        finally:
            connection.close()

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        rewritten = self.server.proxy.rewritten
        kinds = [value for name, value in headers if name.lower() == "content-type"]
        if any("json" in kind or "text" in kind for kind in kinds):
            content = rewritten(content)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, rewritten(value.encode()).decode() if name.lower() == "location" else value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Its calls are kept, not printed."""


def _said(status: int, text: str) -> Answer:
    return status, [("Content-Type", "text/plain")], text.encode()
