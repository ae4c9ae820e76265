"""OpenID Connect: who people are, by the word of providers that the operator trusts.

Shaped by EGI Check-in: an access token tells who somebody is but has no ``aud`` and no rights; rights are told at
userinfo only. An issuer is trusted because hanse.toml lists it: the authority that an entitlement's URN names proves
nothing. joserfc checks signatures; what is asked over HTTP goes to addresses of the issuer's own discovery document.
"""

from reconciler.web.oidc.asking import Refused
from reconciler.web.oidc.issuer import Issuer
from reconciler.web.oidc.people import Pending, People, pending

__all__ = ["Issuer", "Pending", "People", "Refused", "pending"]
