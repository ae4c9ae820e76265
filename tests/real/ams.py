"""A stand-in for ARGO's messaging service on loopback: it keeps what is published to it, or refuses it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.real.answering import answering

KEY = "s3cret-key"


@dataclass
class MessagingService:
    """What was published, in order; ``refuse`` are the statuses of the next answers."""

    url: str
    published: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    refuse: list[int] = field(default_factory=list)


@pytest.fixture
def ams() -> Iterator[MessagingService]:
    """The service, for one test."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = service.refuse.pop(0) if service.refuse else 200
            status = 401 if self.headers["x-api-key"] != KEY else status
            status = 404 if not self.path.startswith("/v1/projects/accounting/topics/") else status
            if status == 200:
                for one in told["messages"]:
                    topic = self.path.rpartition("/")[2].removesuffix(":publish")
                    service.published.append((topic, one["attributes"], base64.b64decode(one["data"], validate=True)))
            body = json.dumps(
                {"messageIds": [str(len(service.published))]} if status == 200 else {"error": {}}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = MessagingService(f"http://127.0.0.1:{server.server_port}")
    with answering(server):
        yield service
