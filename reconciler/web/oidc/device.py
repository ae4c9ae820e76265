"""The device flow (RFC 8628) for a terminal, and tokens that are brought up again before they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.drivers.fetch import shown as shown_url
from reconciler.errors import Transient
from reconciler.web.oidc.asking import Asking, Refused, safe

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5.0
"""Seconds by which an issuer makes us slower when it says so."""
_EARLY = 30.0
"""Seconds before its end at which a token counts as over."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, as the issuer knows it. Public: it has no secret."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is to do elsewhere."""

    device_code: str
    user_code: str
    at: str
    complete: str
    """The same address with the code in it; "" where the issuer gives none."""
    interval: float
    until: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """What somebody may show, and until when (seconds since 1970)."""

    access: str
    refresh: str
    until: float

    def over(self, now: float) -> bool:
        """Whether it is to be brought up again."""
        return now >= self.until - _EARLY


@dataclass(frozen=True)
class Device:
    """One terminal at one issuer."""

    client: Client
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def ask(self) -> Asked:
        """Begin. Raises Refused or Transient."""
        scopes = dict.fromkeys([*self.client.scopes, "offline_access"])
        told = self._asking.post(
            self._endpoint("device_authorization_endpoint"),
            {"client_id": self.client.client_id, "scope": " ".join(scopes)},
        )
        at, complete = _text(told, "verification_uri"), str(told.get("verification_uri_complete") or "")
        if not safe(at) or (complete and not safe(complete)):
            raise Refused(f"{self.client.issuer} sends people to an address that is not https: {shown_url(at)}")
        seconds = float(told.get("expires_in") or 600)
        interval = float(told.get("interval") or 5)
        return Asked(_text(told, "device_code"), _text(told, "user_code"), at, complete, interval, self.now() + seconds)

    def wait(self, asked: Asked) -> Tokens:
        """Wait until the person has done it. Raises Refused when it was refused or took too long."""
        interval = asked.interval
        while self.now() < asked.until:
            self.sleep(interval)
            try:
                return self._given({"grant_type": _GRANT, "device_code": asked.device_code})
            except Transient:
                interval += _SLOWER  # RFC 8628, 3.5: one that does not answer is asked less often
            except Refused as error:
                if error.code not in ("authorization_pending", "slow_down"):
                    raise Refused(_WORDS.get(error.code, str(error)), error.code) from error
                interval += _SLOWER if error.code == "slow_down" else 0.0
        raise Refused(_WORDS["expired_token"], "expired_token")

    def again(self, tokens: Tokens) -> Tokens:
        """The tokens brought up again. Raises Refused when the issuer wants a new login."""
        if not tokens.refresh:
            raise Refused("the login is over: hanse login")
        found = self._given({"grant_type": "refresh_token", "refresh_token": tokens.refresh})
        return found if found.refresh else replace(found, refresh=tokens.refresh)

    @property
    def _asking(self) -> Asking:
        return Asking(self.client.issuer, self.client.ca)

    def _endpoint(self, name: str) -> str:
        document = self._asking.get(f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.client.issuer:
            raise Refused(f"the discovery document of {self.client.issuer} is of another issuer")
        return _text(document, name)

    def _given(self, form: Mapping[str, str]) -> Tokens:
        told = self._asking.post(self._endpoint("token_endpoint"), {**form, "client_id": self.client.client_id})
        seconds = float(told.get("expires_in") or 300)
        return Tokens(_text(told, "access_token"), str(told.get("refresh_token") or ""), self.now() + seconds)


_WORDS: Mapping[str, str] = {
    "access_denied": "the login was refused",
    "expired_token": "the login took too long: hanse login begins again",
    "invalid_grant": "the login is over: hanse login",
}


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found or not found.isprintable():
        raise Refused(f"the provider says no {name}")
    return found


def clients(told: Mapping[str, Any]) -> Sequence[Client]:
    """The clients that a Hanse names at ``/api/v1/login``. Raises Refused for what cannot be understood."""
    try:
        return [Client(one["issuer"], one["client_id"], tuple(one["scopes"])) for one in told["issuers"]]
    except (KeyError, TypeError) as error:
        raise Refused("this is no Hanse to which one can log in") from error
