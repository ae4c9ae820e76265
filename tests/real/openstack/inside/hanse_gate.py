"""What mod_auth_openidc does in front of keystone at a site: bearer tokens are checked where users of identity providers
come in, and their claims handed on. Which issuers and entitlements are welcome is keystone's to decide.
"""

import json
import os
import re
from pathlib import Path

import jwt

ENTRANCE = re.compile(r"/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/auth$")
CLAIMS = ("sub", "iss", "email", "name", "eduperson_entitlement")


def guarded(application):
    """``application`` behind the check."""
    keys = jwt.PyJWKSet.from_dict(json.loads(Path(os.environ["HANSE_JWKS"]).read_text()))

    def inner(environ, start_response):
        for name in [name for name in environ if name.startswith(("HTTP_OIDC", "OIDC-", "OIDC_"))]:
            del environ[name]
        if ENTRANCE.search(environ["PATH_INFO"]):
            try:
                environ.update(admitted(environ.pop("HTTP_AUTHORIZATION", ""), keys))
            except (jwt.PyJWTError, KeyError) as error:
                return refusal(start_response, str(error))
        return application(environ, start_response)

    return inner


def admitted(authorization, keys):
    """The claims of a good bearer token as mod_auth_openidc names them: as variables, and as headers."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("no bearer token")
    key = keys[jwt.get_unverified_header(token).get("kid", "")]
    claims = jwt.decode(
        token, key, algorithms=["RS256"], options={"verify_aud": False, "require": ["exp", "iss", "sub"]}
    )
    found = {}
    for claim in CLAIMS:
        if claim in claims:
            value = claims[claim]
            text = ";".join(value) if isinstance(value, list) else str(value)
            found[f"OIDC-{claim}"] = found[f"HTTP_OIDC_{claim.upper()}"] = text
    return found


def refusal(start_response, reason):
    """401, as keystone words it."""
    headers = [("Content-Type", "application/json"), ("WWW-Authenticate", 'Bearer error="invalid_token"')]
    start_response("401 Unauthorized", headers)
    return [json.dumps({"error": {"code": 401, "title": "Unauthorized", "message": reason}}).encode()]
