"""A receiver of messages on loopback: whatever is posted to it is kept, with its headers and in the order it came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.real.answering import answering


@dataclass
class Receiver:
    """``url`` of it; what came."""

    url: str = ""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def told(self) -> list[Any]:
        """The bodies that came."""
        return [json.loads(body) for _, body in list(self.posts)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Receive while the block runs."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept.posts.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    kept.url = f"http://127.0.0.1:{http.server_address[1]}"
    with answering(http):
        yield kept
