"""A web server on loopback for image files that a test makes: random bytes, damaged, cut short, or refused.

In a conftest: ``from tests.real.appliances import shelf`` (a fixture, one per test).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.ports import Appliance
from tests.real.answering import answering


@dataclass
class Shelf:
    """What is served, by path; a test may change it at any time."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    short: set[str] = field(default_factory=set)
    """Paths whose bodies break off half-way."""
    busy: set[str] = field(default_factory=set)
    """Paths that answer 503."""
    fetched: Counter[str] = field(default_factory=Counter)

    def put(self, path: str, size: int = 65536, seed: int = 0) -> bytes:
        """Serve some random bytes under ``/path``."""
        self.files[path] = random.Random(seed).randbytes(size)
        return self.files[path]

    def appliance(self, path: str, **more: object) -> Appliance:
        """What is served there now."""
        content = self.files[path]
        sums = frozenset(f"{name}:{hashlib.new(name, content).hexdigest()}" for name in ("sha256", "sha512"))
        return Appliance(
            **{"url": f"{self.url}/{path}", "checksums": sums, "format": "raw", "size": len(content), **more}
        )


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf()

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            path = self.path[1:]
            made.fetched[path] += 1
            if path in made.busy or path not in made.files:
                self.send_error(503 if path in made.busy else 404)
                return
            content = made.files[path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if path in made.short else content)

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        yield made
