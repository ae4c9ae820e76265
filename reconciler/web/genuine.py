"""Whether a forge has sent a delivery: its signature over the raw body, each forge's own way, in constant time.

What a forge does not sign proves nothing: of GitHub, Gitea and Bitbucket it is the body that is remembered besides the
delivery's id, which anybody could write anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

_SKEW = 300
"""Seconds by which a signed time may differ from ours (Standard Webhooks)."""
_HEX = {
    "github": (("x-hub-signature-256", "sha256="),),
    "bitbucket": (("x-hub-signature", "sha256="),),
    "gitea": (("x-gitea-signature", ""),),
    "forgejo": (("x-forgejo-signature", ""), ("x-gitea-signature", "")),
}
_IDS = {
    "github": ("x-github-delivery",),
    "bitbucket": ("x-request-uuid", "x-request-id"),
    "gitea": ("x-gitea-delivery",),
    "forgejo": ("x-forgejo-delivery", "x-gitea-delivery"),
    "gitlab": ("x-gitlab-event-uuid", "idempotency-key"),
}


class Forged(Exception):
    """Nothing that the holder of the secret has sent. Its text is for the log, not for the sender."""


def marks(forge: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[str, ...]:
    """What a genuine delivery is known by, if it comes again. Header names are lower case. Raises Forged."""
    if not secret:
        raise Forged("the secret is empty")
    if forge != "gitlab":
        _hex_signed(forge, secret, headers, body)
        return (*_id(forge, headers), f"body:{hashlib.sha256(body).hexdigest()}")
    if "webhook-signature" in headers:
        return (_standard(secret, headers, body, now),)
    if not _same(secret, headers.get("x-gitlab-token", "")):
        raise Forged("the token is wrong" if "x-gitlab-token" in headers else "there is no token and no signature")
    return _id(forge, headers) or (f"body:{hashlib.sha256(body).hexdigest()}",)


def _hex_signed(forge: str, secret: str, headers: Mapping[str, str], body: bytes) -> None:
    header, prefix = next((one for one in _HEX[forge] if one[0] in headers), ("", ""))
    if not header:
        raise Forged("there is no signature")
    wanted = prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not _same(wanted, headers[header]):
        raise Forged("the signature is wrong")


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Standard Webhooks: HMAC over id, time and body; more than one signature may stand there, one must be right."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = b".".join((_bytes(name), _bytes(at), body))
    wanted = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split() if one.startswith("v1,")]
    if not sum(_same(wanted, one) for one in given):
        raise Forged("the signature is wrong")
    if not name or not at.isdigit() or abs(now.timestamp() - int(at)) > _SKEW:
        raise Forged("it is too old, or from the future")
    return f"id:{name}"


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise Forged("the secret is no signing token: whsec_ and base64") from error


def _id(forge: str, headers: Mapping[str, str]) -> tuple[str, ...]:
    found = next((headers[name] for name in _IDS[forge] if headers.get(name)), "")
    return (f"id:{hashlib.sha256(_bytes(found)).hexdigest()}",) if found else ()


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(_bytes(wanted), _bytes(given))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
