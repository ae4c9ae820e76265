"""Access tokens as an identity provider gives them: signed with RS256, checked with the public keys it publishes."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Issuer:
    """An issuer with a key of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = rsa.generate_private_key(65537, 2048)

    def public_keys(self) -> dict[str, Any]:
        """The keys to check its tokens with, as a JWKS."""
        numbers = self._key.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        n, e = _text(numbers.n.to_bytes(size, "big")), _text(numbers.e.to_bytes(3, "big"))
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": n, "e": e}]}

    def token(
        self, entitlements: Sequence[str], *, subject: str = "alice", seconds: int = 3600, issuer: str = ""
    ) -> str:
        """An access token with these entitlements; negative ``seconds`` make an expired one."""
        return self.signed(
            {"eduperson_entitlement": list(entitlements)}, subject=subject, seconds=seconds, issuer=issuer
        )

    def signed(self, claims: dict[str, Any], *, subject: str, seconds: int, issuer: str = "") -> str:
        """A token with these claims besides the registered ones."""
        now = int(time.time())
        registered = {"iss": issuer or self.name, "sub": subject, "iat": now - 7200, "exp": now + seconds}
        head = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, {**registered, **claims}))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
