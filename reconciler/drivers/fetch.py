"""Sources of copies: opens a URL and yields its bytes, counted and summed in one pass. Every storage driver reads here.

A source is ``file://`` (the reconciler's own disk), ``http://`` or ``https://``, or ``data:`` (a few bytes that stand
in the manifest itself). What the wire does to a transfer is caught here: a body cut short, a peer that stalls, a peer
that trickles.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, unquote_to_bytes, urlsplit, urlunsplit

from reconciler.errors import Terminal, Transient
from reconciler.model import Reason
from reconciler.network import Refused
from reconciler.ports import Source

PIECE = 1 << 20
"""Bytes read at once."""
TIMEOUT = 60.0
"""Seconds of silence after which a peer is given up."""
SLOWEST = 64 * 1024
"""Bytes per second below which, after the first ten minutes, a transfer is given up."""
DATA_LIMIT = 64 * 1024
"""The most bytes a ``data:`` URL may carry."""


class Tally:
    """Size, adler32 and md5 of what has gone past."""

    def __init__(self) -> None:
        self.size = 0
        self._adler32 = 1
        self._md5 = hashlib.md5(usedforsecurity=False)

    def add(self, piece: bytes) -> None:
        """Count ``piece``."""
        self.size += len(piece)
        self._adler32 = zlib.adler32(piece, self._adler32)
        self._md5.update(piece)

    @property
    def checksums(self) -> frozenset[str]:
        """Both checksums, each as ``algorithm:hex``."""
        return frozenset((f"adler32:{self._adler32:08x}", f"md5:{self._md5.hexdigest()}"))

    def verify(self, url: str, size: int | None, checksum: str) -> None:
        """Raise Terminal when what has gone past is not what was expected (None and "" expect nothing)."""
        if size is not None and size != self.size:
            raise Terminal(f"{shown(url)} has {self.size} bytes, not the {size} expected")
        if checksum and checksum.lower() not in self.checksums:
            kind = checksum.partition(":")[0].lower()
            found = next((c for c in self.checksums if c.startswith(kind + ":")), None)
            if found is None:
                raise Terminal(f"{checksum!r} is not a checksum that can be verified; use adler32: or md5:")
            raise Terminal(f"{shown(url)} has {found}, not the {checksum.lower()} expected")


def shown(url: str) -> str:
    """The URL as it may stand in a message: no password, no signed query, no inline data."""
    if url.startswith("data:"):
        return "data: URL"
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


@contextmanager
def pieces(source: Source, clock: Callable[[], float] = time.monotonic) -> Iterator[Iterator[bytes]]:
    """Open a source and yield an iterator over its bytes.

    Raises Transient when the source may come back, Terminal when it is not there, not allowed, or not a source.
    """
    url = source.url
    scheme = urlsplit(url).scheme
    if scheme == "data":
        yield iter((_inline(url),))
    elif scheme == "file":
        with _file(url) as stream:
            yield _read_file(stream, url)
    elif scheme in ("http", "https"):
        with closing(_request(source)) as response:
            yield _read_body(response, url, clock)
    else:
        raise Terminal(f"{shown(url)}: copies come from file, http, https and data URLs, not from {scheme or 'this'!r}")


def file_path(url: str) -> Path:
    """The path a ``file://`` URL means. Raises Terminal when it names another machine or no absolute path."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise Terminal(f"{url}: a file URL is file:///absolute/path")
    return Path(path)


def _inline(url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise Terminal("data: URL without a comma; write data:,text or data:;base64,...")
    if len(body) > DATA_LIMIT * 2:
        raise Terminal(f"data: URL of more than {DATA_LIMIT} bytes; put the file on a storage instead")
    if head.endswith(";base64"):
        import base64
        import binascii

        try:
            return base64.b64decode(unquote_to_bytes(body), validate=True)
        except binascii.Error as error:
            raise Terminal(f"data: URL is not base64: {error}") from error
    return unquote_to_bytes(body)


def _file(url: str) -> BinaryIO:
    try:
        stream = file_path(url).open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise Terminal(f"{url}: {error.strerror or 'no such file'}") from error
    except PermissionError as error:
        raise Terminal(f"{url}: {error.strerror}") from error
    except OSError as error:
        raise Transient(f"{url}: {error.strerror or error}") from error
    return stream


def _read_file(stream: BinaryIO, url: str) -> Iterator[bytes]:
    try:
        before = os.fstat(stream.fileno())
        arrived = 0
        while arrived <= before.st_size and (piece := stream.read(PIECE)):
            arrived += len(piece)
            yield piece
        after = os.fstat(stream.fileno())
    except OSError as error:
        raise Transient(f"{url}: {error.strerror or error}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Transient(f"{url} changed while it was read")


def _opener(source: Source) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_trust(source)),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)  # neither file nor ftp: a redirect must not reach the reconciler's own disk
    return opener


def _trust(source: Source) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=source.ca or None)
    except OSError as error:  # no file, or no certificates in it
        raise Terminal(f"{source.ca}: {error.strerror or 'not a file of certificates'}") from error


def _request(source: Source) -> http.client.HTTPResponse:
    url = source.url
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "hanse"})  # noqa: S310
    for name, value in source.headers.items():
        request.add_unredirected_header(name, value)
    try:
        response: http.client.HTTPResponse | None = _opener(source).open(request, timeout=TIMEOUT)
    except HTTPError as error:
        with closing(error):
            raise _refused(url, error) from error
    except (URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, Refused):
            raise Terminal(f"{shown(url)}: {reason}") from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Terminal(f"{shown(url)}: {reason.verify_message}") from error
        raise Transient(f"{shown(url)}: {reason or type(error).__name__}") from error
    if response is None:
        raise Terminal(f"{shown(url)} leads to something that is neither http nor https")
    return response


def _refused(url: str, error: HTTPError) -> Transient | Terminal:
    said = f"{shown(url)} answers {error.code} {error.reason}"
    if error.code in (408, 425, 429) or error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        after = error.headers.get("Retry-After", "")
        return Transient(said, retry_after=float(after) if after.isdigit() else None)
    return Terminal(said)


def _read_body(response: http.client.HTTPResponse, url: str, clock: Callable[[], float]) -> Iterator[bytes]:
    promised = response.headers.get("Content-Length", "")
    arrived, started = 0, clock()
    try:
        while piece := response.read(PIECE):
            arrived += len(piece)
            yield piece
            if clock() - started > 600 + arrived / SLOWEST:
                raise Transient(f"{shown(url)}: too slow, {arrived} bytes in {clock() - started:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        raise Transient(f"{shown(url)}: broken off after {arrived} bytes: {type(error).__name__}: {error}") from error
    if promised.isdigit() and int(promised) != arrived:  # http.client returns a short body without a word
        raise Transient(f"{shown(url)}: broken off after {arrived} of {promised} bytes")


def out_of_space(message: str) -> Terminal:
    """The error for a storage that cannot take a file for want of room."""
    return Terminal(message, reason=Reason.QUOTA_EXCEEDED)
