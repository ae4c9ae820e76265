"""Access tokens as EGI Check-in gives them: signed with a key that keystone's front door knows, or does not."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import RSAKey


def entitlement(vo: str, role: str = "member") -> str:
    """The entitlement of a VO's members."""
    return f"urn:mace:egi.eu:group:{vo}:role={role}#aai.egi.eu"


def minted(key: RSAKey, issuer: str, subject: str, entitlements: Sequence[str], seconds: int) -> str:
    """A token that is good for ``seconds`` from now."""
    now = int(time.time())
    claims = {
        "iss": issuer, "sub": subject, "iat": now - 1, "exp": now + seconds, "jti": uuid.uuid4().hex,
        "name": subject.title(), "email": f"{subject}@example.org", "eduperson_entitlement": list(entitlements),
        "scope": "openid profile email eduperson_entitlement",
    }  # fmt: skip
    return jwt.encode({"alg": "RS256", "kid": "test"}, claims, key)


def key_of(file: Path) -> RSAKey:
    """The provider's own key."""
    return RSAKey.import_key(json.loads(file.read_text()))


def foreign_key() -> RSAKey:
    """Somebody else's, under the same name."""
    return RSAKey.generate_key(2048, {"kid": "test"})
