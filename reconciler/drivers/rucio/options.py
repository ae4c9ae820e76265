"""How a Rucio server is reached: ``[targets."rucio:NAME"]`` in hanse.toml."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reconciler.drivers.options import Server
from reconciler.model import SecretRef


class Options(BaseModel):
    """The options of one server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: Server
    """``https://rucio.example.org``."""
    authUrl: str = ""
    """Where tokens are given, when that is another host."""
    account: Annotated[str, Field(min_length=1)]
    """The account that rules belong to."""
    username: str = ""
    """With ``password``: a token is asked for."""
    password: SecretRef | None = None
    token: SecretRef | None = None
    """An OIDC token that somebody keeps fresh, instead of a password."""
    ca: str = ""
    """File of the authorities that vouch for the server; the system's when not given."""
    timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that the server may take to answer."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.token is None) == (self.password is None):
            message = "give username and password, or token"
            raise ValueError(message)
        return self
