"""ARGO's messaging service over HTTP: where accounting messages are published.

The same message twice does no harm, for a month is always told whole; so an answer that was lost is simply asked again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from reconciler.errors import Terminal, Transient

LIMIT = 1_000_000
"""Bytes of a message in base64: the service takes less than that."""
_PATIENCE = 60.0


@dataclass(frozen=True)
class AMS:
    """One project of one service."""

    url: str
    """``https://msg.example.org``."""
    project: str
    token: Callable[[], str]
    """Reads the key, anew for each call."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""

    def publish(self, topic: str, content: bytes, attributes: Mapping[str, str]) -> str:
        """Publish one message; returns the identifier that it was given. Raises Transient or Terminal."""
        data = base64.b64encode(content).decode()
        if len(data) >= LIMIT:
            raise Terminal(f"a message for {topic} has {len(data):,} bytes in base64: the service takes {LIMIT:,}")
        where = f"{self.url.rstrip('/')}/v1/projects/{self.project}/topics/{topic}:publish"
        body = {"messages": [{"attributes": dict(attributes), "data": data}]}
        return _identifier(self._post(where, body), topic)

    def _post(self, where: str, body: dict[str, Any]) -> requests.Response:
        headers = {"x-api-key": self.token(), "User-Agent": "hanse"}
        try:
            return requests.post(
                where, json=body, headers=headers, timeout=_PATIENCE, verify=self.ca or True, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            raise Terminal(f"{self.url}: its certificate is not trusted, or there is no TLS") from error
        except requests.RequestException as error:
            raise Transient(f"{self.url} cannot be reached ({type(error).__name__})") from error


def _identifier(answer: requests.Response, topic: str) -> str:
    if answer.status_code != requests.codes.ok:
        said = f"{topic}: the service answers {answer.status_code} {answer.reason}"
        if answer.status_code in (408, 429) or answer.status_code >= 500:  # noqa: PLR2004
            after = answer.headers.get("Retry-After", "")
            raise Transient(said, retry_after=float(after) if after.isdigit() else None)
        raise Terminal(said)
    try:
        return str(answer.json()["messageIds"][0])
    except (ValueError, LookupError, TypeError) as error:
        raise Transient(f"{topic}: the service's answer names no message") from error
