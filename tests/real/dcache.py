"""A stand-in for a dCache frontend's storage events, after its User Guide (chapter Frontend, Storage Events).

Channels, inotify subscriptions on one folder each (not on those in it), a stream of Server-Sent Events with ids that a
client resumes from, and the namespace's list of a folder. Files live in memory; a test writes and removes them.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.real.answering import answering

TOKEN = "a token for dcache"


@dataclass
class Channel:
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    numbered: int = 0
    timeout: int = 300
    heard: int = 0


@dataclass
class DCache:
    """The running frontend."""

    url: str = ""
    folders: set[str] = field(default_factory=lambda: {"/"})
    channels: dict[str, Channel] = field(default_factory=dict)
    connections: int = 0
    cut: int = 0
    """Grows each time that all streams are cut."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def make(self, path: str) -> None:
        """Make a folder, and those above it."""
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            folder = "/" + "/".join(parts[:count])
            if folder not in self.folders:
                self.folders.add(folder)
                self._tell(folder, ["IN_CREATE", "IN_ISDIR"])

    def upload(self, path: str) -> None:
        """Upload a file: it is created, and closed when it is whole."""
        self._tell(path, ["IN_CREATE"])
        self._tell(path, ["IN_CLOSE_WRITE"])

    def remove(self, path: str) -> None:
        self._tell(path, ["IN_DELETE"])

    def cut_streams(self) -> None:
        with self.changed:
            self.cut += 1
            self.changed.notify_all()

    def forget_channels(self) -> None:
        """As after a restart."""
        with self.changed:
            self.channels.clear()
            self.cut += 1
            self.changed.notify_all()

    def _tell(self, path: str, mask: list[str]) -> None:
        folder, _, name = path.rpartition("/")
        with self.changed:
            for channel in self.channels.values():
                for url, selector in channel.subscriptions.items():
                    if selector["path"] == (folder or "/") and set(mask) & set(selector.get("flags") or mask):
                        said = {"event": {"name": name, "mask": mask}, "subscription": url}
                        channel.events.append(f"event: inotify\nid: {channel.numbered}\ndata: {json.dumps(said)}\n\n")
                        channel.numbered += 1
            self.changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    dcache: DCache

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        parts = self._parts()
        if parts == ["events", "channels"]:
            identity = uuid.uuid4().hex
            with self.dcache.changed:
                self.dcache.channels[identity] = Channel()
            self._say(201, location=f"{self.dcache.url}/api/v1/events/channels/{identity}")
            return
        channel = self.dcache.channels.get(parts[2]) if len(parts) == 5 else None
        if channel is None or parts[3:] != ["subscriptions", "inotify"]:
            self._say(404)
        elif said.get("path") not in self.dcache.folders or set(said) - {"path", "flags"}:
            self._say(400)
        else:
            url = f"{self.dcache.url}/api/v1/events/channels/{parts[2]}/subscriptions/inotify/{uuid.uuid4().hex}"
            with self.dcache.changed:
                channel.subscriptions[url] = said
                told = {"type": "NEW_SUBSCRIPTION", "subscription": url}
                channel.events.append(f"event: SYSTEM\ndata: {json.dumps(told)}\n\n")
                self.dcache.changed.notify_all()
            self._say(201, location=url)

    def do_PATCH(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        channel = self.dcache.channels.get(self._parts()[2])
        if channel is not None:
            channel.timeout = said["timeout"]
        self._say(200 if channel else 404)

    def do_DELETE(self) -> None:
        with self.dcache.changed:
            gone = self.dcache.channels.pop(self._parts()[2], None)
            self.dcache.changed.notify_all()
        self._say(204 if gone else 404)

    def do_GET(self) -> None:
        parts = self._parts()
        if parts[0] == "namespace":
            self._folder("/" + "/".join(parts[1:]))
        elif parts[:2] == ["events", "channels"] and len(parts) == 3:
            channel = self.dcache.channels.get(parts[2])
            self._say(404) if channel is None else self._stream(parts[2], channel)
        else:
            self._say(404)

    def _folder(self, path: str) -> None:
        if path not in self.dcache.folders:
            self._say(404)
            return
        inside = sorted(f for f in self.dcache.folders if f.rpartition("/")[0] == path.rstrip("/") and f != "/")
        self._say(
            200,
            {"fileType": "DIR", "children": [{"fileName": f.rpartition("/")[2], "fileType": "DIR"} for f in inside]},
        )

    def _stream(self, identity: str, channel: Channel) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        last = self.headers.get("Last-Event-ID")
        with self.dcache.changed:
            self.dcache.connections += 1
            began, sent = self.dcache.cut, self._after(channel, last)
        while True:
            with self.dcache.changed:
                if len(channel.events) == sent and self.dcache.cut == began and identity in self.dcache.channels:
                    self.dcache.changed.wait(5)
                due, over = channel.events[sent:], self.dcache.cut != began or identity not in self.dcache.channels
                sent += len(due)
            if over:
                self.close_connection = True
                return
            try:
                for event in due:
                    self.wfile.write(f"{len(event.encode()):x}\r\n{event}\r\n".encode())
            except OSError:
                return

    def _after(self, channel: Channel, last: str | None) -> int:
        if last is None:
            return 0
        return next(n + 1 for n, event in enumerate(channel.events) if f"\nid: {last}\n" in event)

    def _parts(self) -> list[str]:
        return unquote(urlsplit(self.path).path).removeprefix("/api/v1/").strip("/").split("/")

    def _say(self, status: int, body: Any = None, location: str = "") -> None:
        content = b"" if body is None else json.dumps(body).encode()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, content, location = 401, b"", ""
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def frontend() -> Iterator[DCache]:
    """The frontend on loopback."""
    found = DCache()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"dcache": found}))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        try:
            yield found
        finally:
            found.cut_streams()
