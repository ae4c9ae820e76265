"""One WebDAV server: requests with the token they need, and answers understood."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from reconciler.drivers.webdav.early import Listening
from reconciler.drivers.webdav.failures import lost, meaning
from reconciler.drivers.webdav.multistatus import Entry, Names, entries
from reconciler.drivers.webdav.options import Options
from reconciler.drivers.webdav.tokens import Tokens, scope
from reconciler.errors import Transient

SAFE = "/~!$&'()*+,;=:@-._"
_POOL = 16
_TRIES = 3
_GRACES = (10.0, 20.0, 60.0)
"""Seconds that a checksum may take besides the time to read the file: it is asked for again after each."""
_REPEATABLE = frozenset({"PROPFIND", "HEAD", "GET", "PUT", "MKCOL", "DELETE"})
"""What may be sent again when no answer came: a kept connection may be closed by the server at any moment."""
_QUOTA = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/>'
    b"<resourcetype/></prop></propfind>"
)
_PROPERTIES = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getcontentlength/><getlastmodified/>'
    b"<resourcetype/></prop></propfind>"
)


@dataclass(frozen=True)
class _Bearer(AuthBase):
    """Sends the token, and nothing that a .netrc may hold."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _Session(requests.Session):
    """Follows a server that points elsewhere. Our token goes along only where that server has handed it on itself.

    XRootD's redirectors put the token into the URL. It is sent in the header instead: a move needs it there.
    """

    def __init__(self) -> None:
        super().__init__()
        self._handed_on: set[tuple[str, str]] = set()

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer points to, without a token; None when it points nowhere."""
        target = super().get_redirect_target(resp)
        if not target:
            return target
        parts = urlsplit(target)
        kept = [item for item in parts.query.split("&") if not item.startswith("authz=Bearer")]
        if len(kept) < parts.query.count("&") + 1 and parts.scheme == "https":
            self._handed_on.add(parts[:2])
        return parts._replace(query="&".join(kept)).geturl()

    def should_strip_auth(self, old_url: str, new_url: str) -> bool:
        """True unless the token may go along to ``new_url``."""
        return urlsplit(new_url)[:2] not in self._handed_on and super().should_strip_auth(old_url, new_url)


class Client:
    """The server of one storage. Safe between threads. Paths are below the storage's root, not encoded."""

    def __init__(self, name: str, options: Options, tokens: Tokens) -> None:
        self.name, self.options, self.tokens = name, options, tokens
        self._names = Names(options.path)
        self._lock = threading.Lock()
        self._summing = threading.BoundedSemaphore(options.sumsAtOnce)
        self.session = _Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.session.headers["User-Agent"] = "hanse"
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, Listening(pool_connections=4, pool_maxsize=options.atOnce + _POOL))
        self.verify: str | bool = options.ca or True

    def url(self, path: str) -> str:
        """The URL of ``path``."""
        return f"{self.options.server}{quote(self.options.path, safe=SAFE)}/{quote(path, safe=SAFE)}"

    def bearer(self, *, reads: Iterable[str] = (), writes: Iterable[str] = ()) -> AuthBase:
        """What is sent to be let in, good for these paths alone."""
        return _Bearer(self.tokens.bearer(scope(reads, writes)))

    def send(
        self,
        method: str,
        path: str,
        *,
        reads: Iterable[str] = (),
        writes: Iterable[str] = (),
        right: Iterable[int] = (),
        headers: Mapping[str, Any] | None = None,
        to: requests.Response | None = None,
        **more: Any,
    ) -> requests.Response:
        """The answer to one request. Raises a DriverError when its status is neither 2xx nor one that is ``right``.

        Without ``reads`` and ``writes`` the token is for reading ``path``. ``to`` is an answer that may have pointed
        to another server, which is not shown our token: what it needs stands in the URL.
        """
        reads, writes = tuple(reads), tuple(writes)
        if not (reads or writes):
            reads = (path,)
        what = f"{self.name}: {path or '/'}"
        more.setdefault("timeout", self.options.timeout)
        more.update(auth=self.bearer(reads=reads, writes=writes), headers=dict(headers or {}), verify=self.verify)
        url = self.url(path)
        if to is not None and to.is_redirect:
            url = urljoin(url, self.session.get_redirect_target(to) or "")
            if self.session.should_strip_auth(self.url(path), url):
                more["auth"] = _Bearer("")
        answer = self._asked(what, method, url, more, _TRIES if method in _REPEATABLE and _bare(more) else 1)
        if method == "PROPFIND" and answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            answer.close()  # some stumble over a file that goes while they look
            answer = self._asked(what, method, url, more, 1)
        if answer.ok or answer.status_code in right:
            return answer
        with answer:
            raise meaning(what, answer, self.tokens.spelt(scope(reads, writes)))

    def _asked(self, what: str, method: str, url: str, more: Mapping[str, Any], tries: int) -> requests.Response:
        """The answer to a request; one that the server hung up on without a word is sent again."""
        for left in reversed(range(tries)):
            try:
                return self.session.request(method, url, **more)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if not left or not isinstance(error, requests.ConnectionError) or isinstance(error, requests.Timeout):
                    raise lost(what, error) from error
        raise AssertionError

    def entries(self, folder: str, *, depth: int = 1, reads: Iterable[str] = ("",)) -> list[Entry] | None:
        """What PROPFIND says of a folder's members (of itself with depth 0); None when it is not there."""
        headers = {"Depth": str(depth), "Content-Type": "application/xml"}
        body = _PROPERTIES
        answer = self.send("PROPFIND", folder, reads=reads, right=(404,), headers=headers, data=body, stream=True)
        with answer:
            if answer.status_code == requests.codes.not_found:
                return None
            return list(entries(f"{self.name}: {folder or '/'}", answer, self._names, self._literal))

    def entry(self, path: str, *, reads: Iterable[str] = ()) -> Entry | None:
        """What PROPFIND says of ``path`` itself; None when it is not there."""
        found = self.entries(path, depth=0, reads=tuple(reads) or (path,))
        if found is None:
            return None
        if len(found) != 1:
            raise Transient(f"{self.name}: {path or '/'}: the server describes {len(found)} things instead of one")
        return found[0]

    def quota(self) -> tuple[int | None, int | None]:
        """Used and available bytes (RFC 4331); None each where the server does not say."""
        headers = {"Depth": "0", "Content-Type": "application/xml"}
        answer = self.send("PROPFIND", "", reads=("",), headers=headers, data=_QUOTA, stream=True)
        with answer:
            for found in entries(f"{self.name}: /", answer, self._names, self._literal):
                return found.used, found.available
        return None, None

    def digest(self, path: str, algorithm: str, size: int, reads: str) -> str:
        """The server's checksum of ``path`` as ``algorithm:hex``; "" when it gives none. It may have to read it all."""
        headers = {"Want-Digest": algorithm, "Accept-Encoding": "identity"}
        for grace in _GRACES:  # XRootD fails, or says nothing, when others have it sum at the same moment
            with suppress(Transient) if grace != _GRACES[-1] else nullcontext():
                limits = (self.options.timeout, grace + size / 20e6)
                with self._summing, self.send("HEAD", path, reads=(reads,), headers=headers, timeout=limits) as answer:
                    return _digest(answer.headers.get("Digest", ""), algorithm)
        return ""

    def _literal(self, href: str) -> bool:
        """True when the server writes names into ``href`` as they are, not percent-encoded."""
        prefix = self.options.path.rstrip("/") + "/"
        literal = href[href.index(prefix) + len(prefix) :].rstrip("/") if prefix in href else href
        headers = {"Depth": "0", "Content-Type": "application/xml"}
        answer = self.send("PROPFIND", literal, reads=("",), right=(404,), headers=headers, data=_PROPERTIES)
        with answer:
            return answer.status_code != requests.codes.not_found

    @contextmanager
    def reading(self, path: str, reads: str) -> Iterator[Iterator[bytes]]:
        """The bytes of a file."""
        answer = self.send("GET", path, reads=(reads,), headers={"Accept-Encoding": "identity"}, stream=True)
        with answer:
            yield self._read(path, answer)

    def _read(self, path: str, answer: requests.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_content(1 << 20)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise lost(f"{self.name}: {path}", error) from error


def _bare(more: Mapping[str, Any]) -> bool:
    return isinstance(more.get("data", b""), bytes)


def _digest(header: str, algorithm: str) -> str:
    """The checksum in a Digest header (RFC 3230): adler32 is hex, md5 base64."""
    for one in header.split(","):
        name, _, value = one.strip().partition("=")
        if name.lower() == algorithm == "adler32":
            return f"adler32:{value.lower().rjust(8, '0')}"
        if name.lower() == algorithm == "md5":
            try:
                return f"md5:{base64.b64decode(value, validate=True).hex()}"
            except binascii.Error:
                return ""
    return ""
