"""An issuer of access tokens on loopback: as much of OpenID Connect as is needed to get and renew them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.real.answering import answering

NOW = 1_800_000_000.0


def jwt(exp: float, number: int = 0) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": exp, "jti": number}).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


class Issuer(ThreadingHTTPServer):
    """Gives a token of an hour to the client ``hanse`` with the secret ``s3cret``, or for the refresh token it gave."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.forms: list[dict[str, list[str]]] = []
        self.now, self.refresh, self.status = NOW, "refresh-0", 200
        self.mint: Callable[[], str] = lambda: jwt(self.now + 3600, len(self.forms))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/realms/egi"


class _Asked(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        found = {"token_endpoint": f"{self.server.url}/token"} if self.path.endswith("openid-configuration") else {}
        self._send(200 if found else 404, found)

    def do_POST(self) -> None:
        issuer = self.server
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        issuer.forms.append(form)
        right = self.headers["Authorization"] == "Basic " + base64.b64encode(b"hanse:s3cret").decode()
        if form["grant_type"] == ["refresh_token"]:
            right = form["refresh_token"] == [issuer.refresh]
            issuer.refresh = f"refresh-{len(issuer.forms)}" if right else issuer.refresh
        if issuer.status != 200:
            self._send(issuer.status, {})
        elif not right:
            self._send(401, {"error": "invalid_client", "error_description": "no"})
        else:
            self._send(200, {"access_token": issuer.mint(), "expires_in": 3600, "refresh_token": issuer.refresh})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    server = Issuer()
    with answering(server):
        yield server
