"""Calls to one Rucio server: with a token that is asked for when it is needed, and refusals understood."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import requests

from reconciler.drivers.rucio.options import Options
from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import Reason, SecretRef

_FULL = frozenset({"InsufficientAccountLimit", "RSEOverQuota", "InsufficientTargetRSEs"})
_LATER = frozenset(
    {"ReplicationRuleCreationTemporaryFailed", "DatabaseException", "ServiceUnavailable", "RSEWriteBlocked"}
)
_ANONYMOUS = frozenset({401})


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Adds nothing: whatever a .netrc holds is not for this server."""
    return request


class Rest:
    """One server, as one account. Safe between threads."""

    def __init__(self, name: str, options: Options, secret: Callable[[SecretRef], str]) -> None:
        self.name, self._options, self._secret = name, options, secret
        self._lock = threading.Lock()
        self._token = ""

    def rows(self, path: str, **parameters: str) -> list[Any]:
        """Read what comes one JSON value a line."""
        answer = self._answer("GET", path, params=parameters)
        return [json.loads(line) for line in answer.text.splitlines() if line.strip()]

    def asked(self, path: str, body: Mapping[str, Any]) -> list[Any]:
        """Likewise, for what is asked with a body."""
        answer = self._answer("POST", path, json=body)
        return [json.loads(line) for line in answer.text.splitlines() if line.strip()]

    def get(self, path: str) -> Any:
        """Read one JSON value; None when there is none."""
        answer = self._answer("GET", path, right=(404,))
        return None if answer.status_code == requests.codes.not_found or not answer.content else answer.json()

    def send(self, method: str, path: str, body: Any = None, *, right: tuple[int, ...] = ()) -> Any:
        """Change something; what the server says of it. ``right`` are statuses that are no failures."""
        answer = self._answer(method, path, right=right, json=body)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            return None

    def _answer(self, method: str, path: str, right: tuple[int, ...] = (), **more: Any) -> requests.Response:
        for last in (False, True):
            answer = self._asked(method, path, **more)
            if answer.status_code in _ANONYMOUS and not last and self._options.password:
                self._token = ""
                continue
            break
        if not answer.ok and answer.status_code not in right:
            raise self._refused(answer)
        return answer

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"X-Rucio-Auth-Token": self._shown(), "X-Rucio-Account": self._options.account, "Accept": "*/*"}
        try:
            return self._request(method, f"{self._options.url}{path}", headers, **more)
        except requests.RequestException as error:
            sent = not isinstance(error, requests.exceptions.ConnectTimeout) and "NewConnectionError" not in str(error)
            if sent and method == "POST" and path == "/rules/":
                raise OutcomeUnknown(f"{self.name}: the answer was lost ({type(error).__name__})") from error
            raise self._silent(error) from error

    def _shown(self) -> str:
        """The token that shows who asks."""
        options = self._options
        if options.token is not None:
            return self._secret(options.token)
        with self._lock:
            if not self._token:
                self._token = self._given()
            return self._token

    def _given(self) -> str:
        options = self._options
        assert options.password is not None  # noqa: S101 (the options have one of both)
        said = {"Account": options.account, "Username": options.username, "Password": self._secret(options.password)}
        headers = {f"X-Rucio-{name}": value for name, value in said.items()}
        try:
            answer = self._request("GET", f"{options.authUrl or options.url}/auth/userpass", headers)
        except requests.RequestException as error:
            raise self._silent(error) from error
        token = answer.headers.get("X-Rucio-Auth-Token", "")
        if not answer.ok or not token:
            raise Terminal(f"{self.name} gives no token to account {options.account} ({answer.status_code})")
        return token

    def _request(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> requests.Response:
        return requests.request(
            method,
            url,
            headers={**headers, "User-Agent": "hanse"},
            timeout=self._options.timeout,
            auth=_as_it_is,
            verify=self._options.ca or True,
            **more,
        )

    def _refused(self, answer: requests.Response) -> DriverError:
        try:
            said = answer.json()
        except ValueError:
            said = {}
        kind = (
            str(said.get("ExceptionClass") or answer.headers.get("ExceptionClass") or "")
            if isinstance(said, dict)
            else ""
        )
        why = str(said.get("ExceptionMessage") or answer.reason)[:500] if isinstance(said, dict) else str(answer.reason)
        told = f"{self.name} answers {answer.status_code} {kind}: {why}"
        if kind in _FULL:
            return Terminal(told, reason=Reason.QUOTA_EXCEEDED)
        if kind.startswith("Invalid"):
            return Terminal(told)
        if kind in _LATER or answer.status_code in (408, 429) or answer.status_code >= 500:  # noqa: PLR2004
            return Transient(told)
        return Conflict(told) if kind in ("DuplicateRule", "RuleNotFound") else Terminal(told)

    def _silent(self, error: requests.RequestException) -> DriverError:
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Terminal(f"{self.name}: the server's certificate is not trusted: see option ca")
        kind = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        return Transient(f"{self.name} {kind} ({type(error).__name__})")
