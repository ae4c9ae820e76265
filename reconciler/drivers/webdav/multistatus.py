"""Answers to PROPFIND (RFC 4918, 207 Multi-Status), read as they come.

XRootD writes names into ``href`` as they are; others percent-encode them, as the standard wants. A name that may be
either is asked for once: what a server does, it always does.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from reconciler.drivers.webdav.failures import lost
from reconciler.errors import Transient

_DAV = "{DAV:}"
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_NEVER_IN_A_URL = re.compile(r"[^!#$%&'()*+,/0-9:;=?@A-Z\[\]_a-z~.-]|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder. ``path`` is below the storage's root, without a slash at its end; "" is the root."""

    path: str
    folder: bool
    size: int
    modified: datetime | None
    used: int | None = None
    available: int | None = None


class Names:
    """How one server writes names into its answers."""

    def __init__(self, root: str) -> None:
        """``root`` is the path of the storage on the server, not encoded."""
        self.root = root.rstrip("/")
        self.literal: bool | None = None

    def path(self, href: str, literal: Callable[[str], bool]) -> str | None:
        """The path below the root that ``href`` means; None when it lies elsewhere."""
        if self.literal is None and _NEVER_IN_A_URL.search(href):
            self.literal = True
        if self.literal is None and _ENCODED.search(href):
            self.literal = literal(href)
        whole = href if self.literal else unquote(href)
        if whole.startswith(("http://", "https://")):
            whole = whole.partition("://")[2]
            whole = whole[whole.index("/") :] if "/" in whole else "/"
        whole = whole.rstrip("/")
        if whole == self.root:
            return ""
        return whole[len(self.root) + 1 :] if whole.startswith(self.root + "/") else None


def entries(what: str, answer: requests.Response, names: Names, literal: Callable[[str], bool]) -> Iterator[Entry]:
    """Yield what a 207 answer describes, the folder asked for left out when it describes its members.

    Raises Transient when the answer is cut short, is no such answer, or could not describe a member.
    """
    if answer.status_code != 207:  # noqa: PLR2004
        raise Transient(f"{what}: the server answers {answer.status_code} to PROPFIND: no WebDAV here?")
    asked = urlsplit(str(answer.request.url)).path.rstrip("/")
    depth = answer.request.headers["Depth"]
    answer.raw.decode_content = True
    try:
        for _, element in ET.iterparse(answer.raw):  # noqa: S314 (expat bounds what entities may grow to)
            if element.tag != f"{_DAV}response":
                continue
            found = _entry(what, element, names, literal)
            element.clear()
            if depth == "0" or found.path != _below(names.root, unquote(asked)):
                yield found
    except ET.ParseError as error:
        raise Transient(f"{what}: the listing is cut short or no XML: {error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise lost(what, error) from error


def _below(root: str, path: str) -> str:
    return path[len(root) + 1 :] if path != root else ""


def _entry(what: str, response: ET.Element, names: Names, literal: Callable[[str], bool]) -> Entry:
    href = (response.findtext(f"{_DAV}href") or "").strip("\r\n")
    path = names.path(href, literal)
    if path is None:
        raise Transient(f"{what}: the server speaks of {href}, which is not below its folder")
    status = response.findtext(f"{_DAV}status")
    found = {e.tag: e for stat in response.iter(f"{_DAV}propstat") if _ok(stat) for e in stat.iterfind(f"{_DAV}prop/*")}
    if not found or (status is not None and " 200" not in status):
        raise Transient(f"{what}: the server does not describe {path}: {status or 'no properties'}")
    kind = found.get(f"{_DAV}resourcetype")
    folder = kind is not None and kind.find(f"{_DAV}collection") is not None
    size = _number(found, "getcontentlength")
    if size is None and not folder and f"{_DAV}quota-used-bytes" not in found:
        raise Transient(f"{what}: the server gives no size for {path}")
    used, available = _number(found, "quota-used-bytes"), _number(found, "quota-available-bytes")
    return Entry(path, folder, size or 0, _when(found), used, available)


def _ok(propstat: ET.Element) -> bool:
    return " 200" in (propstat.findtext(f"{_DAV}status") or "HTTP/1.1 200 OK")


def _number(found: dict[str, ET.Element], name: str) -> int | None:
    element = found.get(_DAV + name)
    text = (element.text or "").strip() if element is not None else ""
    return int(text) if text.isdecimal() else None


def _when(found: dict[str, ET.Element]) -> datetime | None:
    element = found.get(f"{_DAV}getlastmodified")
    try:
        return parsedate_to_datetime((element.text or "") if element is not None else "").astimezone(UTC)
    except ValueError:
        return None
