"""Files that go through Hanse: their source is no server that storages can copy from.

A body is always sent with its length: XRootD takes no chunked one. What has no length beforehand is kept here first.
A server that refuses a large body hangs up in the middle of it: an empty file is sent first, which is refused in words.
That also tells where the bytes shall go, on servers that only keep the names (dCache, EOS, redirectors of XRootD).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import IO, Any

import requests

from reconciler.drivers.fetch import PIECE, Tally, out_of_space, pieces, shown
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.marks import OWN
from reconciler.errors import DriverError, Terminal, Transient
from reconciler.ports import Copy

_AT_ONCE = 64 * 1024
"""Bytes that a server takes in before it answers."""
_IN_MEMORY = 8 << 20
_SHORT = 5.0
_PATIENCE = 300.0
"""Seconds that a server may take to write down what it has been sent."""


class _Body:
    """Bytes of a known number, as they come."""

    def __init__(self, incoming: Iterable[bytes], size: int) -> None:
        self._incoming, self._size = incoming, size
        self.reading = False
        """True while the source is asked for the next piece: who breaks off then is the source, and not the server."""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        incoming = iter(self._incoming)
        while True:
            self.reading = True
            piece = next(incoming, None)
            self.reading = False
            if piece is None:
                return
            yield piece


def uploaded(client: Client, copy: Copy, path: str) -> Tally:
    """Send a file to ``path``; what it was. Raises Terminal when it is not what was expected."""
    tally = Tally()
    with pieces(copy.source) as source:
        incoming = _counted(copy, source, tally)
        first = next(incoming, b"")  # what is wrong from the start is not sent at all
        incoming = chain((first,), incoming)
        if copy.size is not None:
            _put(client, path, incoming, copy.size)
        else:
            _kept_and_put(client, copy, path, incoming, tally)
    tally.verify(copy.source.url, copy.size, copy.checksum)
    return tally


def _kept_and_put(client: Client, copy: Copy, path: str, incoming: Iterator[bytes], tally: Tally) -> None:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="hanse-") as file:
        for piece in incoming:
            file.write(piece)
        tally.verify(copy.source.url, copy.size, copy.checksum)
        file.seek(0)
        _put(client, path, _read(file), tally.size)


def _put(client: Client, path: str, incoming: Iterable[bytes], size: int) -> None:
    """Send the bytes; what is small is sent at once, so that it can be sent again to wherever the server points."""
    headers = {"Content-Type": "application/octet-stream"}
    patience = (client.options.stall, max(client.options.stall, _PATIENCE))
    if size <= _AT_ONCE:
        small = b"".join(incoming)
        _sent(client, path, _Body((), size), headers={**headers, "Content-Length": str(size)}, data=small)
        return
    asked = client.send("PUT", path, writes=(OWN,), headers={"Content-Length": "0"}, allow_redirects=False)
    body = _Body(incoming, size)
    _sent(client, path, body, headers=headers, data=body, timeout=patience, to=asked)


def _sent(client: Client, path: str, body: _Body, **more: Any) -> None:
    """Send a body. Raises Terminal when the server is full: XRootD hangs up then without a word."""
    try:
        client.send("PUT", path, writes=(OWN,), **more)
    except Transient as error:
        if not body.reading and _takes_nothing(client, path):
            said = "the server hangs up on every byte that it is sent: its disk is full, as a rule"
            raise out_of_space(f"{client.name}: {path}: {said}") from error
        raise


def _takes_nothing(client: Client, path: str) -> bool:
    """True when the server takes an empty file, and breaks off when one of a few bytes comes."""
    probe, named = f"{path}-probe", False
    try:
        client.send("PUT", probe, writes=(OWN,), headers={"Content-Length": "0"}, timeout=_SHORT)
        named = True
        client.send("PUT", probe, writes=(OWN,), data=b"probe", timeout=_SHORT)
    except DriverError as error:
        cause = error.__cause__
        return named and isinstance(cause, requests.ConnectionError) and not isinstance(cause, requests.Timeout)
    finally:
        with suppress(DriverError):
            client.send("DELETE", probe, writes=(OWN,), right=(404,), timeout=_SHORT)
    return False


def _counted(copy: Copy, source: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """The bytes as they come; raises before the end is reported when they are not the ones expected."""
    for piece in source:
        tally.add(piece)
        if copy.size is not None and tally.size > copy.size:
            raise Terminal(f"{shown(copy.source.url)} has more than the {copy.size} bytes expected")
        if copy.progress is not None:
            copy.progress(len(piece))
        yield piece
    if copy.size is not None:
        tally.verify(copy.source.url, copy.size, copy.checksum)


def _read(file: IO[bytes] | Any) -> Iterator[bytes]:
    return iter(lambda: file.read(PIECE), b"")
