"""Access tokens of a federated login: read where somebody keeps one fresh, or asked for at the issuer and renewed.

Nothing is verified here: that is the cloud's business. A token's expiry is read to know when to ask for the next.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from reconciler.drivers.openstack.failures import translated
from reconciler.drivers.openstack.options import Issuer, Options
from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef

DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. ``expires`` is in seconds since the epoch; None when nobody says."""

    value: str
    expires: float | None = None

    def __repr__(self) -> str:
        return f"Token(expires={self.expires})"


class AccessTokens:
    """The access tokens of one credential. Used under the session's lock."""

    def __init__(self, options: Options, secret: Callable[[SecretRef], str], clock: Callable[[], float]) -> None:
        self._options, self._secret, self._clock = options, secret, clock
        self._held: Token | None = None
        self._endpoint = ""
        self._rotated: tuple[str, str] | None = None
        """The refresh token that was given to us, and the one that the issuer gave for it."""

    def current(self, refused: str = "") -> str:
        """A token that is valid for a while, and is not ``refused``. Raises Terminal naming the credential."""
        held = self._held
        if held is None or held.value == refused or not self._lasts(held):
            held = self._held = self._kept() if self._options.issuer is None else self._asked(self._options.issuer)
        if held.value == refused:
            raise Terminal(f"{self.name} is not accepted")
        return held.value

    @property
    def name(self) -> str:
        """What the credential is called: never the secret itself."""
        issuer = self._options.issuer
        if issuer is None:
            return f"the access token in {named(self._options.access_token)}"
        return f"the access token that {issuer.url or issuer.token_endpoint} gave"

    def _lasts(self, token: Token) -> bool:
        return token.expires is not None and token.expires - self._clock() >= self._options.least_seconds

    def _kept(self) -> Token:
        assert self._options.access_token is not None  # noqa: S101 (the options were checked)
        value = self._secret(self._options.access_token).strip()
        expires = expiry(value)
        if expires is not None and expires <= self._clock():
            raise Terminal(f"{self.name} has expired {self._clock() - expires:.0f} s ago: renew it")
        return Token(value, expires)

    def _asked(self, issuer: Issuer) -> Token:
        """A new token: by the refresh token, else by the client's credentials (RFC 6749, sections 6 and 4.4)."""
        client = issuer.client_id if isinstance(issuer.client_id, str) else self._secret(issuer.client_id)
        form = {"scope": issuer.scope, "audience": issuer.audience, **self._grant(issuer)}
        secret = self._secret(issuer.client_secret) if issuer.client_secret else ""
        login = (client, secret) if secret else None
        form |= {} if login else {"client_id": client}
        answer = self._posted(issuer, {name: value for name, value in form.items() if value}, login)
        value = answer.get("access_token")
        if not isinstance(value, str) or not value:
            raise Transient(f"{self._where(issuer)} gave no access token")
        if issuer.refresh_token and isinstance(answer.get("refresh_token"), str):
            self._rotated = (self._secret(issuer.refresh_token), str(answer["refresh_token"]))
        seconds = answer.get("expires_in")
        later = self._clock() + seconds if isinstance(seconds, int | float) else None
        return Token(value, expiry(value) or later)

    def _grant(self, issuer: Issuer) -> dict[str, str]:
        if issuer.refresh_token is None:
            return {"grant_type": "client_credentials"}
        given = self._secret(issuer.refresh_token)
        newer = self._rotated[1] if self._rotated and self._rotated[0] == given else given
        return {"grant_type": "refresh_token", "refresh_token": newer}

    def _posted(self, issuer: Issuer, form: dict[str, str], login: tuple[str, str] | None) -> dict[str, Any]:
        where = self._where(issuer)
        with translated(where):
            endpoint = self._token_endpoint(issuer)
            answer = self._http.post(endpoint, data=form, auth=login, timeout=self._options.timeout_seconds)
        body = _object(answer)
        if answer.status_code == requests.codes.ok:
            return body
        why = f"{answer.status_code} {body.get('error', '')} {body.get('error_description', '')}".strip()
        if answer.status_code >= 500 or answer.status_code == requests.codes.too_many_requests:  # noqa: PLR2004
            raise Transient(f"{where}: {why}")
        raise Terminal(f"{where}: {why}: {self._credential(issuer)} is not accepted")

    def _token_endpoint(self, issuer: Issuer) -> str:
        if issuer.token_endpoint:
            return issuer.token_endpoint
        if not self._endpoint:
            answer = self._http.get(issuer.url.rstrip("/") + DISCOVERY, timeout=self._options.timeout_seconds)
            found = _object(answer).get("token_endpoint")
            if not isinstance(found, str):
                raise Transient(f"{issuer.url} does not say where its token endpoint is ({answer.status_code})")
            self._endpoint = found
        return self._endpoint

    @cached_property
    def _http(self) -> requests.Session:
        made = requests.Session()
        made.headers.update({"Accept": "application/json", "Connection": "close"})
        made.verify = self._options.ca_file or True
        return made

    def _where(self, issuer: Issuer) -> str:
        return f"the issuer {issuer.url or issuer.token_endpoint}"

    def _credential(self, issuer: Issuer) -> str:
        if issuer.refresh_token:
            return f"the refresh token in {named(issuer.refresh_token)}"
        return f"the client secret in {named(issuer.client_secret)}"


def named(reference: SecretRef | str | None) -> str:
    """Where a secret is: what may be printed about it."""
    if isinstance(reference, SecretRef):
        return str(reference)
    return "the options"


def expiry(token: str) -> float | None:
    """When a JWT expires (RFC 7519, ``exp``); None for a token that does not say."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    found = claims.get("exp") if isinstance(claims, dict) else None
    return float(found) if isinstance(found, int | float) else None


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
