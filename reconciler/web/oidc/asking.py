"""What is asked of a provider over HTTP: JSON in small answers, no redirects, and errors that tell no token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from reconciler.errors import Terminal, Transient

_PATIENCE = 15.0
_MOST = 1_000_000
_LOCAL = ("127.0.0.1", "localhost", "::1")


class Refused(Terminal):
    """The provider, or our own look at what it said, refuses. ``code`` is OAuth's word for it, or ""."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Asking:
    """Asks one provider."""

    issuer: str
    ca: str = ""

    def get(self, url: str, token: str = "") -> dict[str, Any]:
        """The JSON object that stands there. Raises Transient or Refused."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._asked("GET", url, headers=headers)

    def post(self, url: str, data: Mapping[str, str], auth: tuple[str, str] | None = None) -> dict[str, Any]:
        """What the provider answers to a form. Raises Transient, or Refused with OAuth's code."""
        return self._asked("POST", url, data=dict(data), auth=auth)

    def _asked(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        if not safe(url):
            raise Refused(f"{self.issuer} names an address that is not https: {_shown(url)}")
        headers = {"Accept": "application/json", "User-Agent": "hanse", **more.pop("headers", {})}
        try:
            with requests.request(
                method,
                url,
                headers=headers,
                timeout=_PATIENCE,
                verify=self.ca or True,
                allow_redirects=False,
                stream=True,
                **more,
            ) as answer:
                body = answer.raw.read(_MOST + 1, decode_content=True)
                return self._told(answer, body, url)
        except requests.exceptions.SSLError as error:
            raise Refused(f"{self.issuer}: its certificate is not trusted") from error
        except (requests.RequestException, OSError) as error:
            raise Transient(f"{self.issuer} cannot be reached ({type(error).__name__})") from error

    def _told(self, answer: requests.Response, body: bytes, url: str) -> dict[str, Any]:
        said = f"{self.issuer}: {_shown(url)} answers {answer.status_code}"
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:  # noqa: PLR2004
            raise Transient(said)
        try:
            found = json.loads(body) if len(body) <= _MOST else None
        except ValueError:
            found = None
        found = found if isinstance(found, dict) else None
        if answer.status_code != requests.codes.ok:
            code = str((found or {}).get("error", ""))[:60]
            raise Refused(f"{said}{f': {code}' if code else ''}", code)
        if found is None:
            raise Refused(f"{said}, and no JSON object")
        return found


def safe(url: str) -> bool:
    """Whether what goes there can be read by nobody else: https, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
