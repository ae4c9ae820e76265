"""What a WebDAV server's answers mean: which may be otherwise later, which need a person, which say it is full."""

from __future__ import annotations

import re

import requests

from reconciler.drivers.fetch import out_of_space
from reconciler.errors import Conflict, DriverError, Terminal, Transient

BUSY = frozenset({408, 425, 429})
DENIED = frozenset({401, 403})
FULL = 507
_SECRET = re.compile(
    r"(?i)(bearer%20|bearer\s+)\S+|[?&;](authz|access_token|x-amz-[a-z-]+|signature)=[^\s\"'<&]*|eyJ[\w.-]+"
)
_STATUS = re.compile(r"status code (\d{3})")
_ROOM = re.compile(r"(?i)no space|out of space|quota|insufficient storage|disk full")
_HOPELESS = re.compile(r"(?i)unsupported protocol|no such file|permission denied|malformed|url using bad")
_UNSURE = re.compile(r"(?i)certificate|ssl connect error|issuer|not implemented|not supported")


def meaning(what: str, answer: requests.Response, scope: str = "") -> DriverError:
    """The DriverError for an answer about ``what``; ``scope`` is what the token had to allow."""
    status, said = answer.status_code, f"{what}: the server answers {answer.status_code}{_why(answer)}"
    if status in DENIED:
        return Terminal(f"{said}; the token must allow {scope}" if scope else said)
    if status == FULL or (status >= 400 and _ROOM.search(_why(answer))):  # noqa: PLR2004
        return out_of_space(said)
    if status in BUSY or status >= 500:  # noqa: PLR2004
        return Transient(said, retry_after=waiting(answer))
    if status in (404, 409, 412, 423):
        return Conflict(said)
    return Terminal(said)


def waiting(answer: requests.Response) -> float | None:
    """Seconds that the server asks us to wait; None when it does not say."""
    after = answer.headers.get("Retry-After", "")
    return float(after) if after.isdigit() else None


def lost(what: str, error: Exception) -> DriverError:
    """The DriverError for a request that got no answer."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Terminal(f"{what}: the server's certificate is not trusted: see option ca")
    kind = "does not answer in time" if isinstance(error, requests.Timeout) else "breaks off"
    return Transient(f"{what}: the server {kind} ({type(error).__name__})")


def failure(what: str, text: str) -> DriverError:
    """The DriverError for a third-party copy that ended with ``failure: text``."""
    said = f"{what}: {cleaned(text)}"
    found = _STATUS.search(text)
    status = int(found.group(1)) if found else 0
    if _ROOM.search(text) or status == FULL:
        return out_of_space(said)
    if status in BUSY or status >= 500:  # noqa: PLR2004
        return Transient(said)
    if status >= 400 or _HOPELESS.search(text):  # noqa: PLR2004
        return Terminal(said)
    return Transient(said)


def beyond(text: str) -> bool:
    """True when a third-party copy failed since the server cannot make it at all: it may be made otherwise."""
    return bool(_UNSURE.search(text)) and _STATUS.search(text) is None


def cleaned(text: str) -> str:
    """Text of a server as it may stand in a message: short, one line, without tokens and signatures."""
    return _SECRET.sub(lambda found: (found.group(1) or "") + "...", " ".join(text.split()))[:300]


def _why(answer: requests.Response) -> str:
    kind = answer.headers.get("Content-Type", "text/plain")
    text = "" if "html" in kind or "xml" in kind else cleaned(answer.text[:1000])
    return f" ({text})" if text else ""
