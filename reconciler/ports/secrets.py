"""How the stores of secrets are reached: the operator's own data, never a manifest's."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model import SecretRef, Strict

Word = Annotated[str, Field(min_length=1)]


class SopsOptions(Strict):
    """How files are decrypted that SOPS has encrypted."""

    age_key_file: str = ""
    """File of the age keys (``age-keygen -o``); "" for what SOPS_AGE_KEY_FILE or SOPS_AGE_KEY says."""
    program: str = ""
    """The program; "" for the first sops on the PATH, or the one of the extra ``secrets``."""


class AppRole(Strict):
    """Login with a role's id and its secret."""

    role_id: Word
    secret_id: SecretRef
    mount: Word = "approle"


class JwtLogin(Strict):
    """Login with a token of an OpenID provider, or of the platform on which the daemon runs."""

    role: Word
    token: SecretRef
    mount: Word = "jwt"


class OpenBaoOptions(Strict):
    """How OpenBao, or Vault, is reached and logged in to. One of token, approle, jwt."""

    address: str = ""
    """``https://bao.example.org:8200``; "" for none."""
    namespace: str = ""
    """Namespace there; "" for the root."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
    token: SecretRef | None = None
    """A token that somebody keeps alive."""
    approle: AppRole | None = None
    jwt: JwtLogin | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Of one call."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        given = [login for login in (self.token, self.approle, self.jwt) if login is not None]
        if len(given) != (1 if self.address else 0):
            raise ValueError("with an address give exactly one of token, approle, jwt; without one, none")
        if self.address and not self.address.startswith(("https://", "http://")):
            raise ValueError("address begins with https:// (http:// only for a server on this machine)")
        if any(named.openbao is not None for named in self.needed):
            raise ValueError("what OpenBao is logged in to with cannot come from OpenBao: env, file or sops")
        return self

    @property
    def needed(self) -> tuple[SecretRef, ...]:
        """The secrets of the login."""
        if self.approle is not None:
            return (self.approle.secret_id,)
        if self.jwt is not None:
            return (self.jwt.token,)
        return (self.token,) if self.token is not None else ()
