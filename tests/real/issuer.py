"""A token issuer over HTTPS, as a VO runs one: discovery, keys, and tokens for clients with the scopes they ask for.

``with issuer(authority, folder) as tokens:`` serves on loopback; tokens are of the WLCG profile 1.0. A client may have
no more than its own scopes: what it asks for must lie under one of them.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from tests.real.answering import answering
from tests.real.authority import Authority
from tests.real.tokens import Issuer

ANY = "https://wlcg.cern.ch/jwt/v1/any"
CLIENT, SECRET = "hanse", "a secret of the tests' client"


@dataclass
class Tokens:
    """The running issuer."""

    url: str
    signer: Issuer
    scopes: tuple[str, ...] = ("storage.read:/", "storage.create:/", "storage.modify:/", "storage.stage:/")
    """What the client may have."""
    seconds: int = 1200
    """How long tokens last."""
    audiences: tuple[str, ...] | None = None
    """Audiences that it gives tokens for; None: any that is asked for."""
    given: list[dict[str, Any]] = field(default_factory=list)
    """The claims of every token given, oldest first."""

    def mint(self, scope: str, *, audience: str = ANY, seconds: int | None = None) -> str:
        """A token as its holder would have it."""
        claims = {
            "scope": scope,
            "aud": audience,
            "wlcg.ver": "1.0",
            "nbf": int(time.time()) - 5,
            "jti": str(uuid.uuid4()),
        }
        self.given.append(claims)
        return self.signer.signed(claims, subject="alice", seconds=self.seconds if seconds is None else seconds)

    def allows(self, scope: str) -> bool:
        """True when every scope asked for lies under one of the client's."""
        return all(any(_under(one, own) for own in self.scopes) for one in scope.split())

    def answer(self, form: dict[str, str], login: tuple[str, str]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers (RFC 6749, section 4.4)."""
        if login != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        audience, scope = form.get("audience", ANY), form.get("scope", "")
        if self.audiences is not None and audience not in self.audiences:
            return 400, {"error": "invalid_target"}
        if not scope or not self.allows(scope):
            return 400, {"error": "invalid_scope", "error_description": f"{scope} is more than the client may have"}
        token = self.mint(scope, audience=audience)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds, "scope": scope}


def _under(asked: str, own: str) -> bool:
    kind, _, path = asked.partition(":")
    own_kind, _, own_path = own.partition(":")
    return kind == own_kind and (path + "/").startswith(own_path.rstrip("/") + "/")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    tokens: Tokens

    def do_GET(self) -> None:
        if self.path == "/.well-known/openid-configuration":
            url = self.tokens.url
            self._say(200, {"issuer": url, "jwks_uri": f"{url}/jwks", "token_endpoint": f"{url}/token"})
        elif self.path == "/jwks":
            self._say(200, self.tokens.signer.public_keys())
        else:
            self._say(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        login = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        name, _, secret = login.partition(":")
        self._say(*self.tokens.answer(form, (unquote_plus(name), unquote_plus(secret))))

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext) -> None:
        super().__init__((address, 0), handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(30)
        with self._context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up."""


@contextmanager
def issuer(authority: Authority, folder: Path, address: str = "127.0.0.1") -> Iterator[Tokens]:
    """Serve on ``address``. Its name is ``localhost`` on loopback, else the address itself."""
    folder.mkdir(parents=True, exist_ok=True)
    host = "localhost" if address == "127.0.0.1" else address
    authority.certify(folder / "issuer.pem", folder / "issuer.key", sorted({host, address}, reverse=True))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "issuer.pem", folder / "issuer.key")
    handler = type("Handler", (_Handler,), {})
    server = _Server(address, handler, context)
    url = f"https://{host}:{server.server_address[1]}"
    handler.tokens = Tokens(url, Issuer(url))
    with answering(server):
        yield handler.tokens
