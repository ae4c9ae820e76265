"""Bearer tokens for one storage: asked for with the least scope that a request needs, and kept while they last.

Scopes are those of the WLCG token profile: ``storage.read:/path`` and ``storage.modify:/path`` (which includes
creating). XRootD wants ``storage.read`` as well for whatever looks at a file, deleting included.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

import requests

from reconciler.drivers.webdav.options import ANY, Options, Token
from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef

DISCOVERY = "/.well-known/openid-configuration"
_TIMEOUT = 30.0
_FEW_SECONDS = 60.0
_KEPT = 4096
"""Tokens kept at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """A token and when it ends, in seconds of the clock."""

    value: str = field(repr=False)
    expires: float
    lasts: float


def scope(reads: Iterable[str] = (), writes: Iterable[str] = ()) -> tuple[str, ...]:
    """The scopes for reading, and for reading and writing, paths below the root. "" is the root itself."""
    writes = tuple(writes)
    read = [f"storage.read:{path}" for path in (*reads, *writes)]
    return tuple(dict.fromkeys([*read, *(f"storage.modify:{path}" for path in writes)]))


class Tokens:
    """The tokens of one storage. Safe between threads."""

    def __init__(
        self,
        name: str,
        options: Options,
        secret: Callable[[SecretRef], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._options, self._secret, self._clock = name, options, secret, clock
        self._held: dict[str, Held] = {}
        self._lock = threading.Lock()
        self._endpoint = ""
        self._any = False
        self._session = requests.Session()

    def bearer(self, scopes: Iterable[str]) -> str:
        """A token with these scopes, whose paths begin at the storage's root; "" where none is asked for."""
        token = self._options.token
        if token is None:
            return ""
        if token.kept is not None:
            return self._secret(token.kept).strip()
        asked = " ".join(self._placed(token, one) for one in scopes)
        with self._lock:
            held = self._held.get(asked)
            if held is None or held.expires - self._clock() < max(_FEW_SECONDS, held.lasts / 2):
                if len(self._held) >= _KEPT:
                    self._held.clear()
                held = self._held[asked] = self._asked(token, asked)
        return held.value

    def spelt(self, scopes: Iterable[str]) -> str:
        """The scopes as the issuer knows them, for messages."""
        token = self._options.token
        return " ".join(self._placed(token, one) if token else one for one in scopes)

    def _placed(self, token: Token, one: str) -> str:
        """A scope with its path as the issuer means it: from the base on."""
        kind, _, path = one.partition(":")
        base = token.base.rstrip("/") or self._options.path
        within = self._options.path[len(base) :]
        return f"{kind}:{_plain(f'{within}/{path}') or '/'}"

    def _asked(self, token: Token, scopes: str) -> Held:
        """A new token by the client's credentials (RFC 6749, section 4.4); for any audience if it must be."""
        own = token.audience or self._options.server
        for audience in (ANY,) if self._any else (own, ANY):
            answer = self._posted(token, {"scope": scopes, "audience": audience})
            if answer.status_code == requests.codes.ok:
                self._any = audience == ANY != own
                return self._read(token, answer)
            if _error(answer) not in ("invalid_target", "invalid_request"):
                break
        raise self._refused(token, scopes, answer)

    def _posted(self, token: Token, form: dict[str, str]) -> requests.Response:
        client = token.client_id if isinstance(token.client_id, str) else self._secret(token.client_id)
        assert token.client_secret is not None  # noqa: S101 (the options were checked)
        login = (quote(client, safe=""), quote(self._secret(token.client_secret), safe=""))
        form = {"grant_type": "client_credentials", **form}
        return self._sent(token, "POST", self._found(token), data=form, auth=login)

    def _found(self, token: Token) -> str:
        """The token endpoint, discovered once."""
        if not self._endpoint:
            answer = self._sent(token, "GET", token.issuer.rstrip("/") + DISCOVERY)
            try:
                endpoint = str(answer.json()["token_endpoint"])
            except (ValueError, KeyError, TypeError) as error:
                said = f"{self._name}: {token.issuer} answers {answer.status_code} and names no token endpoint"
                raise Terminal(said) from error
            if not endpoint.startswith("https://"):
                raise Terminal(f"{self._name}: the token endpoint of {token.issuer} is not https")
            self._endpoint = endpoint
        return self._endpoint

    def _sent(self, token: Token, method: str, url: str, **more: object) -> requests.Response:
        verify: str | bool = self._options.ca or True
        try:
            answer = self._session.request(method, url, timeout=_TIMEOUT, verify=verify, allow_redirects=False, **more)  # type: ignore[arg-type]
        except requests.exceptions.SSLError as error:
            raise Terminal(f"{self._name}: the certificate of {token.issuer} is not trusted: see option ca") from error
        except requests.RequestException as error:
            raise Transient(f"{self._name}: {token.issuer} does not answer: {type(error).__name__}") from error
        if answer.status_code == 429 or answer.status_code >= 500:  # noqa: PLR2004
            after = answer.headers.get("Retry-After", "")
            wait = float(after) if after.isdigit() else None
            raise Transient(f"{self._name}: {token.issuer} answers {answer.status_code}", retry_after=wait)
        return answer

    def _read(self, token: Token, answer: requests.Response) -> Held:
        try:
            said = answer.json()
            value, lasts = str(said["access_token"]), float(said.get("expires_in") or 2 * _FEW_SECONDS)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Terminal(f"{self._name}: {token.issuer} gives no token") from error
        return Held(value, self._clock() + lasts, lasts)

    def _refused(self, token: Token, scopes: str, answer: requests.Response) -> Terminal:
        why = _error(answer) or f"{answer.status_code}"
        return Terminal(f"{self._name}: {token.issuer} gives no token with the scope {scopes!r}: {why}")


def _plain(path: str) -> str:
    """The path, or the folder above the first name that would have to be encoded.

    Servers do not agree on whether a scope's path is encoded; of what needs no encoding all mean the same.
    """
    names: list[str] = []
    for name in path.strip("/").split("/"):
        if not name or quote(name, safe="~+@:,=") != name:
            break
        names.append(name)
    return "".join(f"/{name}" for name in names)


def _error(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("error", ""))
    except (ValueError, AttributeError):
        return ""
