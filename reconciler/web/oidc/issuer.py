"""One provider: its discovery document, its keys as they rotate, and what may be believed of a token."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from reconciler.settings import IssuerSettings
from reconciler.web.oidc.asking import Asking, Refused

_DOCUMENT = 3600.0
"""Seconds for which a discovery document, and keys, are good."""
_AGAIN = 5.0
"""Seconds between two looks for a key that is not known: whoever sends nonsense may not make us ask for ever."""
_LEEWAY = 60
"""Seconds by which clocks may differ."""
_LONGEST = 16_384
"""The longest token that is looked at."""
_OTHERS = ("ID", "Refresh", "Offline", "Logout")
"""What Keycloak writes into ``typ`` of tokens that are not for access."""


@dataclass
class Issuer:
    """One issuer that is trusted. ``now`` counts seconds since 1970, ``clock`` seconds that only grow."""

    settings: IssuerSettings
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    _document: tuple[float, dict[str, Any]] | None = None
    _keys: tuple[float, KeySet] | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """As tokens name it."""
        return self.settings.issuer

    @property
    def asking(self) -> Asking:
        """What asks it."""
        return Asking(self.url, self.settings.ca)

    def document(self) -> Mapping[str, Any]:
        """Where everything is. Raises Refused when it is somebody else's document."""
        kept = self._document
        if kept is None or self.clock() - kept[0] > _DOCUMENT:
            found = self.asking.get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.url:
                raise Refused(f"the discovery document of {self.url} is of another issuer")
            kept = self._document = (self.clock(), found)
        return kept[1]

    def endpoint(self, name: str) -> str:
        """The address of ``token_endpoint`` or another. Raises Refused when there is none."""
        found = self.document().get(name)
        if not isinstance(found, str):
            raise Refused(f"{self.url} has no {name}")
        return found

    def access(self, token: str) -> dict[str, Any]:
        """The claims of an access token that is for us and good now. Raises Refused, or Transient."""
        claims = self._claims(token)
        if claims.get("typ") in _OTHERS:
            raise Refused("this is no access token")
        self._for_us(claims)
        return claims

    def identity(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of the ID token of a login that we began. Raises Refused, or Transient."""
        claims = self._claims(token)
        audiences = _audiences(claims)
        if self.settings.client_id not in audiences:
            raise Refused("the ID token is for somebody else (aud)")
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise Refused("the ID token was made for another client (azp)")
        if len(audiences) > 1 and "azp" not in claims:
            raise Refused("the ID token is for several, and does not say who asked (azp)")
        if not nonce or claims.get("nonce") != nonce:
            raise Refused("the ID token is of another login (nonce)")
        return claims

    def told(self, token: str, subject: str) -> dict[str, Any]:
        """What userinfo tells of the bearer. Raises Refused when it tells of somebody else."""
        found = self.asking.get(self.endpoint("userinfo_endpoint"), token)
        if found.get("sub") != subject:
            raise Refused("userinfo tells of somebody else than the token")
        return found

    def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that this issuer signed and that is good now."""
        try:
            found = self._decoded(token)
        except _UnknownKey:
            self._fetch(afresh=True)
            found = self._decoded(token)
        self._current(found)
        return found

    def _decoded(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST:
            raise Refused("the token is too long")
        keys = self._fetch()
        try:
            return jwt.decode(token, keys, algorithms=list(self.settings.algorithms)).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            if _keyless(error, token, keys):
                raise _UnknownKey from error
            raise Refused(f"the token does not hold ({type(error).__name__})") from None

    def _fetch(self, *, afresh: bool = False) -> KeySet:
        with self._turn:
            kept = self._keys
            age = self.clock() - kept[0] if kept else _DOCUMENT + 1
            if kept is None or age > (_AGAIN if afresh else _DOCUMENT):
                found: Any = self.asking.get(self.endpoint("jwks_uri"))
                try:
                    kept = (self.clock(), KeySet.import_key_set(found))
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise Refused(f"{self.url}: its keys cannot be understood") from error
                self._keys = kept
            return kept[1]

    def _current(self, claims: Mapping[str, Any]) -> None:
        now = self.now()
        if claims.get("iss") != self.url:
            raise Refused("the token is of another issuer (iss)")
        if not _number(claims.get("exp")) or claims["exp"] <= now - _LEEWAY:
            raise Refused("the token is over (exp)")
        for name in ("nbf", "iat"):
            if name in claims and (not _number(claims[name]) or claims[name] > now + _LEEWAY):
                raise Refused(f"the token is not good yet ({name})")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Refused("the token does not say whose it is (sub)")

    def _for_us(self, claims: Mapping[str, Any]) -> None:
        """By ``aud`` where there is one, otherwise by ``azp``: Check-in's access tokens have no audience."""
        ours = {self.settings.client_id, self.settings.device_client_id or self.settings.client_id}
        if "aud" in claims:
            if not {*self.settings.audiences, *ours} & set(_audiences(claims)):
                raise Refused("the token is for somebody else (aud)")
        elif claims.get("azp") not in {*self.settings.clients, *ours}:
            raise Refused("the token was made for another client (azp)")


class _UnknownKey(Refused):
    """Signed with a key that is not known: perhaps keys were changed."""

    def __init__(self) -> None:
        super().__init__("the token is signed with a key that its issuer does not publish")


def _keyless(error: Exception, token: str, keys: KeySet) -> bool:
    """Whether it is only the key that is missing."""
    try:
        kid = jwt_header(token).get("kid")
    except (ValueError, TypeError):
        return False
    return isinstance(error, JoseError | ValueError) and kid not in [key.kid for key in keys.keys]


def jwt_header(token: str) -> dict[str, Any]:
    """What a token says of itself, not believed. Raises ValueError."""
    return _part(token, 0)


def jwt_issuer(token: str) -> str:
    """Whose a token says that it is, not believed; "" when it says nothing."""
    try:
        found = _part(token, 1).get("iss")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def _part(token: str, number: int) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST:  # noqa: PLR2004 (header, claims, signature)
        raise ValueError("this is no JWT")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[number] + "=="))
    except RecursionError as error:
        raise ValueError("this is no JWT") from error
    if not isinstance(found, dict):
        raise ValueError("this is no JWT")  # noqa: TRY004 (whoever asks expects no other)
    return found


def _audiences(claims: Mapping[str, Any]) -> Collection[str]:
    found = claims.get("aud")
    return found if isinstance(found, list) else [found] if isinstance(found, str) else []


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
