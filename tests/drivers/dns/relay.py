"""A TCP relay before a name server: it notes what passes, and can swallow answers or hang."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import dns.message
import dns.opcode
import dns.rdatatype

from tests.real.answering import answering
from tests.real.waiting import PATIENCE

Mood = Literal["pass", "swallow", "hang", "close"]


class Relay(socketserver.ThreadingTCPServer):
    """``mood``: pass answers on; swallow them and hang up; hang before asking; close before asking."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.mood: Mood = "pass"
        self.seen: list[str] = []
        self.done = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Handler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            self._serve(self.request)

    def _serve(self, client: socket.socket) -> None:
        question = _message(client)
        parsed = dns.message.from_wire(question, keyring=False, continue_on_error=True, ignore_trailing=True)
        update = parsed.opcode() == dns.opcode.UPDATE
        self.server.seen.append("UPDATE" if update else dns.rdatatype.to_text(parsed.question[0].rdtype))
        if self.server.mood == "close":
            return
        if self.server.mood == "hang":
            self.server.done.wait(PATIENCE)
            return
        with socket.create_connection(("127.0.0.1", self.server.behind), PATIENCE) as server:
            server.sendall(struct.pack("!H", len(question)) + question)
            while True:
                answer = _message(server)
                if self.server.mood == "swallow":
                    return
                client.sendall(struct.pack("!H", len(answer)) + answer)


def _message(sock: socket.socket) -> bytes:
    (length,) = struct.unpack("!H", _exactly(sock, 2))
    return _exactly(sock, length)


def _exactly(sock: socket.socket, count: int) -> bytes:
    held = b""
    while len(held) < count:
        more = sock.recv(count - len(held))
        if not more:
            raise EOFError
        held += more
    return held


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay to ``port`` of this machine."""
    server = Relay(port)
    with answering(server):
        try:
            yield server
        finally:
            server.done.set()
