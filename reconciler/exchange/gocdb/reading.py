"""Reading what GOCDB's interface answers: files and URLs, page after page, and whether it was all there is.

Only an unfiltered answer of which every page was read says that something is gone. What cannot be read is told, with
where, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from reconciler.drivers.fetch import pieces, shown
from reconciler.errors import DriverError
from reconciler.model import Diagnostic
from reconciler.ports import Source

TAGS = ("SITE", "SERVICE_ENDPOINT", "DOWNTIME", "SERVICE_GROUP")
_METHODS = {
    "get_site": "SITE",
    "get_service": "SERVICE_ENDPOINT",
    "get_service_endpoint": "SERVICE_ENDPOINT",
    "get_downtime": "DOWNTIME",
    "get_downtime_nested_services": "DOWNTIME",
    "get_service_group": "SERVICE_GROUP",
}
_ALL = ("get_site", "get_service_endpoint", "get_downtime", "get_service_group")
_OF_GET_SITE = ("CERTIFICATION_STATUS", "PRODUCTION_INFRASTRUCTURE", "ROC", "COUNTRY", "OFFICIAL_NAME")
"""Of these get_site tells at least one of each site, and lists of contacts none."""
_PLAIN = frozenset({"method", "scope", "scope_match", "next_cursor", "windowstart"})
"""Parameters with which an answer tells of all there is (of downtimes: from a day on)."""
_LONGEST = 1 << 28
_PAGES = 100_000
Fetch = Callable[[str], bytes]


class Found(NamedTuple):
    """An element of an answer, and where it was read."""

    element: Element
    where: str
    line: int


@dataclass
class Read:
    """What could be read."""

    elements: dict[str, list[Found]] = field(default_factory=lambda: {tag: [] for tag in TAGS})
    told: set[str] = field(default_factory=set)
    """Tags of which an answer told all there is."""
    spoilt: set[str] = field(default_factory=set)
    """Tags of which an answer could not be read to its end."""
    since: str = ""
    """The first day of which downtimes were asked; "" for all."""
    problems: list[Diagnostic] = field(default_factory=list)

    @property
    def complete(self) -> set[str]:
        """Tags of which nothing is missing."""
        return self.told - self.spoilt

    def fault(self, where: str, message: str, cure: str = "") -> None:
        """Note what could not be read."""
        self.problems.append(Diagnostic(where, 1, 1, "", message, cure, "gocdb"))


class _Page(NamedTuple):
    where: str
    root: Element
    lines: Mapping[int, int]
    """Identity of an entry -> the line on which it begins."""
    asked: Mapping[str, str]
    """The parameters that it answers."""

    @property
    def cursor(self) -> str:
        return self.asked.get("next_cursor", "")

    @property
    def next(self) -> str:
        """Cursor of the page behind this one; "" where this is the last."""
        if self.root.findtext("meta/count", "0").strip() in ("", "0"):
            return ""
        links = [link.get("href", "") for link in self.root.findall("meta/link") if link.get("rel") == "next"]
        return dict(parse_qsl(urlsplit(links[0]).query)).get("next_cursor", "") if links else ""

    @property
    def paged(self) -> bool:
        return self.root.find("meta") is not None

    @property
    def miscounted(self) -> str:
        """How ``count`` contradicts what is there; "" where it does not.

        Of downtimes it may count keys: each has an element for every service.
        """
        said = self.root.findtext("meta/count", "").strip() or "0"
        there = [one for one in self.root if one.tag != "meta"]
        keys = {one.get("PRIMARY_KEY", "") for one in there if one.tag == "DOWNTIME"}
        others = sum(one.tag != "DOWNTIME" for one in there)
        if not self.paged or said in (str(len(there)), str(others + len(keys))):
            return ""
        return f"its count says {said}, and there are {len(there)}"

    @property
    def full(self) -> bool:
        """Whether more may follow."""
        count, most = (self.root.findtext(f"meta/{name}", "0").strip() for name in ("count", "max_page_size"))
        return not (count.isdigit() and most.isdigit()) or int(count) >= max(int(most), 1)


def read(sources: Sequence[str], since: str = "", headers: Mapping[str, str] | None = None, ca: str = "") -> Read:
    """All that files and URLs say. A URL without ``method`` is asked for everything, downtimes from ``since`` on.

    ``headers`` go to the URLs alone, an ``Authorization`` among them.
    """
    told = Read()
    files = [source for source in sources if urlsplit(source).scheme not in ("http", "https")]
    _take_files(told, files)
    for url in (source for source in sources if source not in files):
        for asked in _requests(url, since):
            _take_pages(told, asked, lambda one: _fetched(Source(one, headers or {}, ca)))
    return told


# -- files -------------------------------------------------------------------------------------------------------------


def _take_files(told: Read, files: Iterable[str]) -> None:
    by_tag: dict[str, list[_Page]] = {}
    for file in files:
        try:
            page = _page(file, Path(file).read_bytes())
        except (OSError, _NoAnswer) as error:
            told.fault(file, f"cannot be read: {getattr(error, 'strerror', None) or error}")
            continue
        for tag in _taken(told, page):
            by_tag.setdefault(tag, []).append(page)
    if told.problems:
        told.spoilt.update(TAGS)
    for tag, pages in by_tag.items():
        if _whole(pages):
            _completed(told, tag, pages[0].asked)


def _whole(pages: Sequence[_Page]) -> bool:
    """Whether pages, in any order, lead from the first to the last without a gap."""
    if any(page.paged and not _plain(page.asked) for page in pages):
        return False
    if not any(page.paged for page in pages):
        return True
    by_cursor = {page.cursor: page for page in pages}
    cursor = "0"
    for _ in pages:
        page = by_cursor.get(cursor)
        if page is None:
            return False
        if not page.full or not page.next:
            return True
        cursor = page.next
    return False


# -- URLs --------------------------------------------------------------------------------------------------------------


def _requests(url: str, since: str) -> Iterator[str]:
    """What is asked for: that one method, or all; in pages, of every scope unless one is named."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    for method in (given["method"],) if "method" in given else _ALL:
        window = {"windowstart": since} if since and "downtime" in method and "method" not in given else {}
        asked = {"method": method, "scope": "", **window, **given, "next_cursor": "0"}
        yield urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(asked), ""))


def _take_pages(told: Read, url: str, fetch: Fetch) -> None:
    asked = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    method, seen = asked["method"], set[str]()
    if method not in _METHODS:
        told.fault(shown(url), *_not_taken(method))
        return
    for _ in range(_PAGES):
        where = f"{shown(url)}?method={method}" + (f" behind {asked['next_cursor']}" if seen else "")
        try:
            page = _page(where, fetch(_with(url, asked)), asked)
        except (DriverError, _NoAnswer) as error:
            told.fault(where, str(error), "nothing is concluded from what is missing")
            told.spoilt.add(_METHODS[method])
            return
        _taken(told, page)
        seen.add(page.cursor)
        if not page.paged or not page.next:
            if _plain(asked):
                _completed(told, _METHODS[method], asked)
            return
        if page.next in seen:
            told.fault(where, f"its next page is an earlier one, {page.next}", "nothing is concluded from it")
            told.spoilt.add(_METHODS[method])
            return
        asked = asked | {"next_cursor": page.next}


def _with(url: str, asked: Mapping[str, str]) -> str:
    """Pages are asked of the same server, wherever their links lead."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(asked), ""))


def _fetched(source: Source) -> bytes:
    content = bytearray()
    with pieces(source) as found:
        for piece in found:
            content += piece
            if len(content) > _LONGEST:
                raise _NoAnswer("it is too long to be an answer")
    return bytes(content)


# -- answers -----------------------------------------------------------------------------------------------------------


class _NoAnswer(Exception):
    """What came is not an answer of GOCDB's interface."""


def _page(where: str, content: bytes, asked: Mapping[str, str] | None = None) -> _Page:
    root, lines = _tree(content)
    if root.tag == "error":
        raise _NoAnswer(f"it answers: {(root.text or '').strip()}")
    if root.tag != "results":
        raise _NoAnswer(f"it begins with <{root.tag}>, and not with <results>")
    if asked is None:
        links = [link.get("href", "") for link in root.findall("meta/link") if link.get("rel") == "self"]
        asked = dict(parse_qsl(urlsplit(links[0]).query, keep_blank_values=True)) if links else {}
    return _Page(where, root, lines, asked)


def _tree(content: bytes) -> tuple[Element, dict[int, int]]:
    """The elements, and on which lines entries begin. Without a document type there are no entities to expand."""
    builder, lines, depth = TreeBuilder(), dict[int, int](), [0]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        element = builder.start(name, attributes)
        depth[0] += 1
        if depth[0] == 2:  # noqa: PLR2004 (an entry of results)
            lines[id(element)] = parser.CurrentLineNumber

    def end(name: str) -> None:
        depth[0] -= 1
        builder.end(name)

    def refuse(*_declared: object) -> None:
        raise _NoAnswer("it declares a document type, as no answer of GOCDB does")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _NoAnswer(f"no XML: {error}") from error
    return builder.close(), lines


def _taken(told: Read, page: _Page) -> list[str]:
    """Take a page's elements; returns which there were, or what an empty page was asked for."""
    method = page.asked.get("method", "")
    if method and method not in _METHODS:
        told.fault(page.where, *_not_taken(method))
        return []
    for element in page.root:
        if element.tag == "SITE" and all(element.find(name) is None for name in _OF_GET_SITE):
            name = element.get("NAME", "")
            told.fault(page.where, f"SITE[{name}] is told of in short, so this is no answer of get_site")
            told.spoilt.add("SITE")
        elif element.tag in told.elements:
            told.elements[element.tag].append(Found(element, page.where, page.lines.get(id(element), 1)))
    tags = [_METHODS[method]] if method else [t for t in TAGS if page.root.find(t) is not None]
    if page.miscounted:
        told.fault(page.where, page.miscounted, "nothing is concluded from what is missing")
        told.spoilt.update(tags or TAGS)
    return tags


def _not_taken(method: str) -> tuple[str, str]:
    return f"answers of {method} are not taken in", f"ask for {', '.join(_ALL)}"


def _plain(asked: Mapping[str, str]) -> bool:
    """Whether nothing narrows a request; without ``scope`` GOCDB tells of its default scope alone."""
    return asked.get("scope") == "" and asked.keys() <= _PLAIN


def _completed(told: Read, tag: str, asked: Mapping[str, str]) -> None:
    told.told.add(tag)
    if tag == "DOWNTIME":
        told.since = asked.get("windowstart", "")
