"""Giving a file its name: MOVE, which is one step on the server, and what servers make of its Destination."""

from __future__ import annotations

import secrets
import threading
from urllib.parse import quote

from reconciler.drivers.webdav.client import SAFE, Client
from reconciler.drivers.webdav.marks import OWN
from reconciler.errors import Terminal, Transient

INCOMING = f"{OWN}/incoming"
"""Where files arrive, under names that nobody asks for."""
_TRIES = 3


class Moves:
    """The moves of one storage. Safe between threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._decodes: bool | None = None
        self._one_at_a_time = [threading.Lock() for _ in range(64)]

    def move(self, temporary: str, path: str, writes: tuple[str, ...]) -> None:
        """Give a file its name, in the place of what stands there; ``writes`` is what the token must allow."""
        destination = self._destination(path)
        with self._one_at_a_time[hash(path) % 64]:  # some servers stumble when two files are moved to one name
            self._moved(temporary, destination, writes)

    def _moved(self, source: str, destination: str | bytes, writes: tuple[str, ...]) -> None:
        headers = {"Destination": destination, "Overwrite": "T"}
        for left in reversed(range(_TRIES)):
            try:
                self._client.send("MOVE", source, writes=writes, headers=headers)
            except Transient:
                if self._client.entry(source, reads=(OWN,)) is None:
                    return  # it was moved, and the answer lost
                if not left:
                    raise
            else:
                return

    def _destination(self, path: str) -> str | bytes:
        """The Destination for ``path``. XRootD takes it as it is written; others decode it, as the standard wants."""
        if quote(path, safe=SAFE) == path:
            return self._client.url(path)
        if self._decodes is None:
            self._decodes = self._tried()
        if self._decodes:
            return self._client.url(path)
        if "?" in path:
            said = f"{path}: this server cannot move a file to a name with a question mark"
            raise Terminal(f"{self._client.name}: {said}")
        options = self._client.options
        return f"{options.server}{options.path}/{path}".encode()

    def _tried(self) -> bool:
        """True when the server decodes what Destination says."""
        probe = f"{INCOMING}/{secrets.token_hex(12)}"
        self._client.send("PUT", probe, writes=(OWN,), headers={"Content-Length": "0"})
        self._moved(probe, self._client.url(f"{probe} moved"), (OWN,))
        decodes = self._client.entry(f"{probe} moved", reads=(OWN,)) is not None
        for name in (f"{probe} moved", f"{probe}%20moved"):
            self._client.send("DELETE", name, writes=(OWN,), right=(404,))
        return decodes
