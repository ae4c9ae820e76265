"""From what a provider tells to ``Who``: by an access token, or by a login through a browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote_plus, urlencode

from reconciler.model import SecretRef, Who
from reconciler.settings import IssuerSettings, OidcSettings
from reconciler.tenancy.entitlements import satisfies
from reconciler.web.oidc.asking import Refused
from reconciler.web.oidc.issuer import Issuer, jwt_issuer

_WORDS = ("state", "nonce", "verifier")
_KEPT = 5_000
"""So many bearers are remembered."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that was begun: what must come back with it."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    redirect: str
    """Where the provider sends the browser."""


def pending(issuer: str, redirect: str, shown: str) -> Pending:
    """The login that a browser began which shows this: its words are made of it, and so are kept nowhere else."""
    state, nonce, verifier = (hashlib.sha256(f"{word}:{shown}".encode()).hexdigest() for word in _WORDS)
    return Pending(issuer, state, nonce, verifier, redirect)


@dataclass
class People:
    """Everybody whom one of the trusted issuers vouches for."""

    settings: OidcSettings
    secret: Callable[[SecretRef], str]
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    issuers: dict[str, Issuer] = field(init=False)
    _known: dict[bytes, tuple[float, Who]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """One issuer for each that is configured."""
        self.issuers = {one.issuer: Issuer(one, self.now, self.clock) for one in self.settings.issuers}

    @property
    def believed(self) -> timedelta:
        """How long what a login told of somebody's rights counts for what he does; a minute at least, to do it in."""
        return timedelta(minutes=max(1.0, self.settings.entitlement_minutes))

    def reads(self, who: Who) -> bool:
        """Whether somebody may look, by the operator's word."""
        given = self.settings.readers
        return "*" in given or any(_holds(one, asked) for asked in given for one in who.entitlements)

    def bearer(self, token: str) -> Who:
        """Whose access token this is. Raises Refused, or Transient where the issuer does not answer.

        What userinfo told is kept until the token ends, and not longer than the settings say.
        """
        mark = hashlib.sha256(token.encode()).digest()
        kept = self._known.get(mark)
        if kept is not None and self.now() < kept[0]:
            return kept[1]
        issuer = self.issuers.get(jwt_issuer(token))
        if issuer is None:
            raise Refused("no issuer that is trusted here has made this token")
        claims = issuer.access(token)
        who = _who(issuer.settings, claims, issuer.told(token, claims["sub"]))
        until = min(float(claims["exp"]), self.now() + 60 * self.settings.entitlement_minutes)
        self._remember(mark, until, who)
        return who

    def begin(self, pending: Pending) -> str:
        """Where to send the browser. Raises Refused or Transient."""
        found = self._issuer(pending.issuer)
        digest = hashlib.sha256(pending.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": found.settings.client_id,
            "redirect_uri": pending.redirect,
            "scope": " ".join(found.settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        at = found.endpoint("authorization_endpoint")
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"

    def finish(self, pending: Pending, given: Mapping[str, str]) -> Who:
        """Who came back. Raises Refused for whatever does not fit what was begun, or Transient."""
        found = self._issuer(pending.issuer)
        if not given.get("state") or not secrets.compare_digest(given["state"].encode(), pending.state.encode()):
            raise Refused("this is not the login that was begun (state)")
        says = found.document().get("authorization_response_iss_parameter_supported") is True
        if given.get("iss", found.url if not says else "") != found.url:
            raise Refused("another issuer answers than the one that was asked (iss)")
        if "error" in given:
            raise Refused(f"{found.url} did not let you in: {given['error'][:60]}", given["error"][:60])
        if not given.get("code"):
            raise Refused(f"{found.url} sent no code")
        tokens = self._exchanged(found, pending, given["code"])
        claims = found.identity(_text(tokens, "id_token"), pending.nonce)
        return _who(found.settings, claims, found.told(_text(tokens, "access_token"), claims["sub"]))

    def _exchanged(self, found: Issuer, pending: Pending, code: str) -> dict[str, Any]:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect,
            "code_verifier": pending.verifier,
        }
        kept = found.settings.client_secret
        if kept is None:
            return found.asking.post(found.endpoint("token_endpoint"), {**asked, "client_id": found.settings.client_id})
        auth = (quote_plus(found.settings.client_id), quote_plus(self.secret(kept)))  # RFC 6749, 2.3.1
        return found.asking.post(found.endpoint("token_endpoint"), asked, auth)

    def _issuer(self, url: str) -> Issuer:
        found = self.issuers.get(url)
        if found is None:
            raise Refused("no such issuer is trusted here")
        return found

    def _remember(self, mark: bytes, until: float, who: Who) -> None:
        with self._turn:
            now = self.now()
            if len(self._known) >= _KEPT:
                self._known = {one: kept for one, kept in self._known.items() if kept[0] > now}
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[mark] = (until, who)


def _who(settings: IssuerSettings, claims: Mapping[str, Any], told: Mapping[str, Any]) -> Who:
    """Identity from the token, or from userinfo where the token does not tell it; rights from userinfo."""
    both = {**told, **{name: claims[name] for name in ("sub", "iss") if name in claims}}
    for name in settings.identity:
        if name in claims and name in told and claims[name] != told[name]:
            raise Refused(f"token and userinfo do not agree on {name}")
        both[name] = claims.get(name, told.get(name))
    identity = _first(both, settings.identity)
    if not identity:
        raise Refused(f"{settings.issuer} does not say who this is: {', '.join(settings.identity)}")
    rights = [right for name in settings.entitlements for right in _list(told.get(name))]
    return Who(_first(both, settings.name) or identity, "oidc", identity, settings.issuer, frozenset(rights))


def _holds(held: str, asked: str) -> bool:
    """Whether an entitlement is meant; of a pattern, what stands before the authority."""
    return fnmatchcase(held.partition("#")[0], asked) if "*" in asked else satisfies(held, asked)


def _first(claims: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (claims.get(name) for name in names)
    return next((one for one in found if isinstance(one, str) and one and len(one) <= 300 and one.isprintable()), "")  # noqa: PLR2004


def _list(given: Any) -> list[str]:
    many = given if isinstance(given, list) else [given]
    return [one for one in many if isinstance(one, str) and one.isprintable() and len(one) <= 1000][:2000]  # noqa: PLR2004


def _text(tokens: Mapping[str, Any], name: str) -> str:
    found = tokens.get(name)
    if not isinstance(found, str) or not found:
        raise Refused(f"the provider sent no {name}")
    return found
