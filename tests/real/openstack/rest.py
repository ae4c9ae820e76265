"""The administrator's way into the cloud's REST interfaces: no SDK, so that it is as plain as curl."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from tests.real.openstack.conf import PASSWORD

SECONDS = 120.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""What the environment says of proxies does not hold for the loopback."""


def ask(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and content (decoded when it is JSON) of an answer. ``body`` is JSON data, or bytes as they are."""
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": kind, **(headers or {})}, method=method)
    try:
        with OPENER.open(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers, _decoded(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, _decoded(error.read())


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


class Administrator:
    """The user ``admin`` of the project ``admin``, or somebody else with a password."""

    def __init__(
        self, endpoints: Mapping[str, str], user: str = "admin", password: str = PASSWORD, project: str = "admin"
    ) -> None:
        self.endpoints = endpoints
        self._user, self._password, self._project = user, password, project
        self._token = ""
        self.project_id = self.user_id = ""
        self._lock = threading.Lock()

    def call(self, method: str, service: str, path: str, body: Any = None, *, ok: Sequence[int] = ()) -> Any:
        """The content of the answer. Raises AssertionError on a status of 400 and more that is not in ``ok``."""
        url = f"{self.endpoints[service]}{path}"
        status, _, content = ask(method, url, body, self._headers())
        if status == 401:
            self._token = ""
            status, _, content = ask(method, url, body, self._headers())
        if status >= 400 and status not in ok:
            raise AssertionError(f"{method} {url}: {status} {content}")
        return content

    def _headers(self) -> dict[str, str]:
        with self._lock:
            if not self._token:
                self._log_in()
        return {"X-Auth-Token": self._token, "OpenStack-API-Version": "compute 2.90"}

    def _log_in(self) -> None:
        domain = {"id": "default"}
        user = {"name": self._user, "password": self._password, "domain": domain}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": self._project, "domain": domain}},
        }
        status, headers, content = ask("POST", f"{self.endpoints['identity']}/auth/tokens", {"auth": auth})
        if status != 201:
            raise AssertionError(f"logging in as {self._user}: {status} {content}")
        self._token = headers["X-Subject-Token"]
        self.project_id = content["token"]["project"]["id"]
        self.user_id = content["token"]["user"]["id"]
