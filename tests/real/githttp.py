"""A real git server over HTTP on loopback: git's own http-backend behind a small CGI, with a password where asked for.

Bare repositories stand in one folder; pushing is allowed. Hooks of a repository are run by git, as on any server.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.real.answering import answering

_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


@dataclass
class GitServer:
    """``url`` of the server; ``login`` is asked for when it is given ("user:password"); ``down``: it answers 503.

    ``people`` are further logins; hooks of a repository see in REMOTE_USER who pushes.
    """

    url: str
    folder: Path
    login: str = ""
    people: dict[str, str] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def made(self, name: str) -> Path:
        """A new bare repository that may be pushed to."""
        path = self.folder / name
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True, env=_CLEAN)
        subprocess.run(["git", "-C", path, "config", "http.receivepack", "true"], check=True, env=_CLEAN)
        return path


class _Handler(BaseHTTPRequestHandler):
    server_of: GitServer

    def do_GET(self) -> None:
        self._answered(b"")

    def do_POST(self) -> None:
        self._answered(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def _answered(self, body: bytes) -> None:
        server = self.server_of
        server.asked.append(self.path)
        if server.down:
            return self.send_error(503)
        who = self._who()
        if who is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            return self.end_headers()
        parts = urlsplit(self.path)
        told = {
            **_CLEAN,
            "GIT_PROJECT_ROOT": str(server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": who,
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=told, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ")[::2] for line in head.decode().split("\r\n")]
        fields = dict(lines)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def _who(self) -> str | None:
        """Who asks, by name and password; None for nobody who may."""
        server = self.server_of
        if not server.login:
            return "pusher"
        user, _, password = server.login.partition(":")
        for name, secret in {**server.people, user: password}.items():
            wanted = "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
            if self.headers.get("Authorization") == wanted:
                return name
        return None

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def git_server(folder: Path) -> Iterator[GitServer]:
    """Serve the repositories of a folder while the block runs."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), None)
    server = GitServer(f"http://127.0.0.1:{http.server_address[1]}", folder)
    http.RequestHandlerClass = type("Handler", (_Handler,), {"server_of": server})
    http.daemon_threads = True
    with answering(http):
        yield server
