"""Calls to one FTS3 server, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.auth import AuthBase

from reconciler.drivers.fts3.options import Options
from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import SecretRef

_OUR_CREDENTIALS = (401, 403, 419)
_NEVER_SENT = (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)


@dataclass(frozen=True)
class _Bearer(AuthBase):
    """Sends the token, and nothing that a .netrc may hold."""

    token: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Rest:
    """One server. The token is read for each call: whoever keeps it may renew it at any time."""

    def __init__(self, name: str, options: Options, secret: Callable[[SecretRef], str]) -> None:
        self.name, self._options, self._secret = name, options, secret

    def get(self, path: str, right: tuple[int, ...] = (), **parameters: str) -> tuple[int, Any]:
        """Read something: the status, and the answer as data. ``right`` are statuses that are no failures."""
        try:
            answer = self._send("GET", path, params=parameters)
        except requests.RequestException as error:
            raise self._silent(error) from error
        return self._read(answer, path, right)

    def delete(self, path: str, right: tuple[int, ...] = ()) -> None:
        """Take something back. Safe to repeat."""
        try:
            answer = self._send("DELETE", path)
        except requests.RequestException as error:
            raise self._silent(error) from error
        self._read(answer, path, right)

    def post(self, path: str, body: Mapping[str, Any], right: tuple[int, ...] = ()) -> tuple[int, Any]:
        """Send something. Raises OutcomeUnknown when it may have come and the answer did not."""
        try:
            answer = self._send("POST", path, json=body)
        except requests.RequestException as error:
            if isinstance(error, _NEVER_SENT) or "NewConnectionError" in str(error):
                raise self._silent(error) from error
            raise OutcomeUnknown(
                f"{self.name}: the answer to a submission was lost ({type(error).__name__})"
            ) from error
        return self._read(answer, path, right)

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        options = self._options
        token = self._secret(options.token) if options.token else ""
        own = (options.certificate, options.key) if options.key else options.certificate or None
        return requests.request(
            method,
            f"{options.url}{path}",
            headers={"Accept": "application/json", "User-Agent": "hanse"},
            timeout=options.timeout,
            auth=_Bearer(token),
            cert=own,
            verify=options.ca or True,
            **more,
        )

    def _read(self, answer: requests.Response, path: str, right: tuple[int, ...]) -> tuple[int, Any]:
        if not answer.ok and answer.status_code not in right:
            raise self._refused(answer)
        try:
            return answer.status_code, answer.json() if answer.content else None
        except ValueError as error:
            raise Transient(f"{self.name}: the answer to {path} is not JSON") from error

    def _refused(self, answer: requests.Response) -> DriverError:
        said = f"{self.name} answers {answer.status_code}: {_message(answer)}"
        if answer.status_code in _OUR_CREDENTIALS:
            return Terminal(f"{said}; look at token or certificate of its target in hanse.toml")
        if answer.status_code in (408, 429) or answer.status_code >= 500:  # noqa: PLR2004
            after = answer.headers.get("Retry-After", "")
            return Transient(said, retry_after=float(after) if after.isdigit() else None)
        return Conflict(said) if answer.status_code == requests.codes.conflict else Terminal(said)

    def _silent(self, error: requests.RequestException) -> DriverError:
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Terminal(f"{self.name}: the server's certificate is not trusted: see option ca")
        kind = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        return Transient(f"{self.name} {kind} ({type(error).__name__})")


def _message(answer: requests.Response) -> str:
    """What the server says, shortly. It never repeats what was sent, tokens least of all."""
    try:
        said = answer.json()
    except ValueError:
        return answer.reason or "no reason given"
    return str(said.get("message") or answer.reason)[:500] if isinstance(said, dict) else str(answer.reason)
