"""JSON over HTTP as forges speak it: pages, refusals, and no redirect that would carry the token elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from reconciler.errors import Terminal, Transient
from reconciler.masking import MASK

_PATIENCE = 30.0
_AGAIN = (408, 425, 429)
_PAGES = 100
"""The most pages that are read of one list."""
PER_PAGE = 50


@dataclass(frozen=True)
class Rest:
    """One API. ``headers`` reads the token, anew for each call."""

    url: str
    headers: Callable[[], Mapping[str, str]]
    ca: str = ""

    def get(self, path: str, **params: str) -> Any:
        """What stands there. Raises Transient or Terminal."""
        return self._asked("GET", path, params, None)

    def pages(self, path: str, **params: str) -> Iterator[Mapping[str, Any]]:
        """The items of a list, page by page; it ends where a page brings nothing new."""
        seen = set[Any]()
        for page in range(1, _PAGES + 1):
            answer = self._answer("GET", path, {"page": str(page), **params}, None)
            found = self._told(answer, "GET", path)
            if not isinstance(found, list):
                raise Terminal(f"{self.url}: GET {path} answers no list")
            fresh = [one for one in found if isinstance(one, dict) and _name(one) not in seen]
            yield from fresh
            seen |= {_name(one) for one in fresh}
            if not fresh or (len(found) < PER_PAGE and "next" not in answer.links):  # pages may be cut shorter there
                return

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Write there. Safe to repeat is the caller's business."""
        return self._asked(method, path, {}, body)

    def _asked(self, method: str, path: str, params: Mapping[str, str], body: Any) -> Any:
        return self._told(self._answer(method, path, params, body), method, path)

    def _answer(self, method: str, path: str, params: Mapping[str, str], body: Any) -> requests.Response:
        given = self.headers()
        if not all(value.isascii() and value.isprintable() for value in given.values()):
            raise Terminal("the token of [forge] cannot stand in a header")
        try:
            return requests.request(
                method,
                f"{self.url}/{path}",
                params=params,
                json=body,
                headers={**given, "Accept": "application/json", "User-Agent": "hanse"},
                timeout=_PATIENCE,
                verify=self.ca or True,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise Terminal(f"{self.url}: its certificate is not trusted, or there is no TLS") from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
            raise Terminal(f"{self.url!r} is not the URL of an API: [forge] url") from None
        except requests.RequestException as error:
            raise Transient(f"{self.url} cannot be reached ({type(error).__name__})") from error

    def _told(self, answer: requests.Response, method: str, path: str) -> Any:
        said = f"{self.url}: {method} {path} answers {answer.status_code} {answer.reason}"
        limited = answer.status_code == requests.codes.forbidden and "Retry-After" in answer.headers
        if limited or answer.status_code in _AGAIN or answer.status_code >= 500:  # noqa: PLR2004
            after = answer.headers.get("Retry-After", "")
            raise Transient(said, retry_after=float(after) if after.isdigit() else None)
        if not 200 <= answer.status_code < 300:  # noqa: PLR2004 (a redirect would carry the token elsewhere)
            raise Terminal(said + _why(answer))
        try:
            return answer.json()
        except ValueError as error:
            raise Terminal(f"{said}, and no JSON") from error


def absent(error: Terminal) -> bool:
    """Whether a refusal says that there is no such thing, or that we may not know of it."""
    return " answers 404 " in str(error)


def named(team: str) -> list[str]:
    """The names that ``@org/team`` is made of, safe in a path; [] for what is no team."""
    names = team.removeprefix("@").split("/")
    return [quote(one, safe="") for one in names] if all(one.strip(".") for one in names) else []


def _name(one: Mapping[str, Any]) -> Any:
    """What tells an item of a list from the others; commits have no id."""
    return one.get("id") or one.get("sha")


def _why(answer: requests.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return ""
    said = (told.get("message") or told.get("error")) if isinstance(told, dict) else None
    return f": {MASK(str(said))[:200]}" if said else ""
