"""Who acts, as far as it was proved: by a token of an OpenID provider, a signature, a forge, or an API token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Proof = Literal["oidc", "signature", "forge", "token", "machine", "author"]
"""``author``: what an unsigned commit says of itself. ``machine``: whoever runs ``hanse`` on its own machine, who could
change its records anyhow."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who acts."""

    name: str
    """As records and pages say it."""
    proof: Proof
    identity: str
    """What tells him from all others of the same proof: ``voperson_id``, principal of a signature, user of a forge."""
    issuer: str = ""
    """Who vouches for it: issuer of the token, address of the forge."""
    entitlements: frozenset[str] = frozenset()
    """Rights that the issuer tells of, as it writes them (AARC-G069 URNs)."""
    may: frozenset[str] = frozenset()
    """What an API token was made for; empty for people, whose rights the policy in git says."""
