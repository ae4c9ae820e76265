"""Presigned URLs by AWS Signature Version 4, query form: how another storage reads an object without our key.

libcloud has ``get_object_cdn_url``, but it signs the host without its port, so that every service on a port of its
own refuses the URL.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote


def presigned(  # noqa: PLR0913
    *, host: str, path: str, key: str, secret: str, region: str, now: datetime, seconds: int, secure: bool = True
) -> str:
    """The URL under which ``path`` (quoted) of ``host`` (with its port unless it is the scheme's own) may be read.

    Valid from ``now`` (UTC) for ``seconds``, at most 604,800. Source: AWS, *Authenticating Requests: Using Query
    Parameters*.
    """
    stamp, scope = now.strftime("%Y%m%dT%H%M%SZ"), f"{now:%Y%m%d}/{region}/s3/aws4_request"
    query = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in (
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{key}/{scope}"),
            ("X-Amz-Date", stamp),
            ("X-Amz-Expires", str(seconds)),
            ("X-Amz-SignedHeaders", "host"),
        )
    )
    request = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    signature = _hmac(_key(secret, scope), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}").hex()
    return f"{'https' if secure else 'http'}://{host}{path}?{query}&X-Amz-Signature={signature}"


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
