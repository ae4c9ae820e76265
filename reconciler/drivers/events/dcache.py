"""The dcache driver of the events port: dCache's storage events, streamed as Server-Sent Events.

One channel for a storage; a subscription for each folder and the folders in it, for dCache watches one folder at a
time (inotify). A file has come when it is closed after writing or moved in. A channel that was lost is connected to
again with the id of the last event; when it is gone, something may have been missed, and that is told.

Options: ``url`` of the frontend (``https://dcache.example.org:3880``), ``path`` of the storage's root in dCache,
``token`` (a secret reference), ``ca``, ``timeout`` seconds that a channel outlives a lost connection.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from pydantic import BaseModel, ConfigDict

from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef, Target
from reconciler.ports import Drivers
from reconciler.ports.events import Events, StorageEvent

_FLAGS = ["IN_CLOSE_WRITE", "IN_CREATE", "IN_DELETE", "IN_MOVED_TO", "IN_MOVED_FROM", "IN_DELETE_SELF", "IN_MOVE_SELF"]
_SILENCE = 10.0
"""Seconds without a byte after which a stream is connected to again: it may be dead, or nobody may want it any more."""
_SHORT = 30.0
_Told = Callable[[StorageEvent], None]
_MISSED = frozenset({"IN_Q_OVERFLOW", "IN_UNMOUNT", "IN_IGNORED"})


class Options(BaseModel):
    """How one dCache is reached."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: str
    path: str = "/"
    token: SecretRef | None = None
    ca: str = ""
    timeout: int = 300


def open(target: Target, drivers: Drivers) -> Events:  # noqa: A001
    """The dCache behind ``target``. Nothing is asked yet."""
    options = Options.model_validate(dict(target.options.get("events") or {}))
    return DCache(target.id, options, drivers.secret)


class DCache:
    """One storage in a dCache."""

    def __init__(
        self, name: str, options: Options, secret: Callable[[SecretRef], str], silence: float = _SILENCE
    ) -> None:
        """``silence`` is seconds."""
        self._name, self._options, self._secret, self._silence = name, options, secret, silence
        self._api = f"{options.url.rstrip('/')}/api/v1"

    def follow(self, folders: Collection[str], told: Callable[[StorageEvent], None], stop: threading.Event) -> None:
        """Open a channel, subscribe, and tell what comes until told to stop; then the channel is closed."""
        channel = self._posted(f"{self._api}/events/channels", {})
        try:
            self._request("PATCH", channel, json={"timeout": self._options.timeout})
            subscribed = _Subscribed(self, channel)
            for folder in folders:
                subscribed.tree(folder.strip("/"))
            told(StorageEvent(""))
            last = ""
            while not stop.is_set():
                last = self._stream(last, subscribed, told, stop)
        finally:
            with suppress(Transient, Terminal):
                self._request("DELETE", channel)

    def _stream(self, last: str, subscribed: _Subscribed, told: _Told, stop: threading.Event) -> str:
        """Read until the stream ends; the id of the last event."""
        channel = subscribed.channel
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        answer = self._request("GET", channel, headers=headers, stream=True, timeout=(_SHORT, self._silence))
        with closing(answer):
            for identity, kind, data in _events(answer, stop):
                last = identity or last
                if kind == "inotify":
                    for event in subscribed.meaning(json.loads(data)):
                        told(event)
        return last

    def subscribe(self, channel: str, path: str) -> str:
        """Watch one folder; the subscription, "" when the folder is not there (any more)."""
        selector = {"path": self._absolute(path), "flags": _FLAGS}
        return self._posted(f"{channel}/subscriptions/inotify", selector, right=(400, 404))

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder."""
        where = quote(self._absolute(path), safe="/")
        answer = self._request("GET", f"{self._api}/namespace{where}?children=true", right=(404,))
        children = answer.json().get("children", []) if answer.ok else []
        return [child["fileName"] for child in children if child.get("fileType") == "DIR"]

    def _absolute(self, path: str) -> str:
        return "/" + "/".join(part for part in (self._options.path.strip("/"), path) if part)

    def _posted(self, url: str, body: Mapping[str, Any], right: tuple[int, ...] = ()) -> str:
        answer = self._request("POST", url, right=right, json=body)
        return answer.headers.get("Location", "") if answer.ok else ""

    def _request(self, method: str, url: str, right: tuple[int, ...] = (), **more: Any) -> requests.Response:
        token = self._secret(self._options.token) if self._options.token else ""

        def shown(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        timeout = more.pop("timeout", _SHORT)
        try:
            answer = requests.request(method, url, auth=shown, verify=self._options.ca or True, timeout=timeout, **more)
        except requests.RequestException as error:
            raise Transient(f"{self._name}: its events cannot be had now ({type(error).__name__})") from error
        if not answer.ok and answer.status_code not in right:
            answer.close()
            said = f"{self._name}: {method} for its events is answered {answer.status_code}"
            gone = answer.status_code >= 500 or answer.status_code in (404, 408, 429)  # noqa: PLR2004
            raise Transient(said) if gone else Terminal(said)
        return answer


@dataclass
class _Subscribed:
    """The folders that one channel watches."""

    dcache: DCache
    channel: str
    by_url: dict[str, str] = field(default_factory=dict)

    def tree(self, path: str) -> bool:
        """Watch a folder and all folders in it; whether it is there."""
        subscription = self.dcache.subscribe(self.channel, path)
        if not subscription:
            return False
        self.by_url[subscription] = path
        for name in self.dcache.folders(path):
            self.tree(f"{path}/{name}" if path else name)
        return True

    def meaning(self, said: Mapping[str, Any]) -> Iterator[StorageEvent]:
        """What an event means; a new folder is watched from now on, and may hold files already."""
        folder, event = self.by_url.get(str(said.get("subscription")), ""), said.get("event") or {}
        mask, name = set(event.get("mask") or ()), str(event.get("name") or "")
        path = "/".join(part for part in (folder, name) if part)
        if mask & _MISSED or "IN_DELETE_SELF" in mask or "IN_MOVE_SELF" in mask:
            yield StorageEvent(folder)
        elif "IN_ISDIR" in mask:
            if mask & {"IN_CREATE", "IN_MOVED_TO"}:
                self.tree(path)
            yield StorageEvent(path)
        elif mask & {"IN_CLOSE_WRITE", "IN_MOVED_TO"}:
            yield StorageEvent(path, "came")
        elif mask & {"IN_DELETE", "IN_MOVED_FROM"}:
            yield StorageEvent(path, "went")


def _events(answer: requests.Response, stop: threading.Event) -> Iterator[tuple[str, str, str]]:
    """(id, type, data) of each event of a stream, until it ends, falls silent or is to stop."""
    identity, kind, data = "", "message", list[str]()
    try:
        for line in _lines(answer):
            if stop.is_set():
                return
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    yield identity, kind, "\n".join(data)
                identity, kind, data = "", "message", []
            elif name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id":
                identity = value
    except requests.RequestException:
        return


def _lines(answer: requests.Response) -> Iterator[str]:
    """The lines of a stream, each as soon as it is whole."""
    pending = bytearray()
    for byte in answer.iter_content(1):
        if byte != b"\n":
            pending += byte
            continue
        yield pending.decode("utf-8", "replace").removesuffix("\r")
        pending.clear()
