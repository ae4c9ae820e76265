"""How a WebDAV storage is reached: as its site declares, completed by the operator, checked before the first call."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reconciler.model import OpenBaoRef, SecretRef, SopsRef

ANY = "https://wlcg.cern.ch/jwt/v1/any"
"""The audience of a token that every storage takes (WLCG token profile 1.0)."""
Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(ge=0)]
_SCHEMES = {"davs": "https", "https": "https", "dav": "http", "http": "http"}


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _web(url: str) -> str:
    """The URL with http or https as its scheme and no slash at its end."""
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        message = "give davs://host:port/path or https://host:port/path"
        raise ValueError(message)
    return parts._replace(scheme=scheme, path=parts.path.rstrip("/")).geturl()


class Token(_Options):
    """Where tokens come from: one that somebody keeps fresh (``env`` or ``file``), or an issuer that is asked."""

    env: str | None = None
    """Environment variable with a token that somebody keeps fresh."""
    file: str | None = None
    """File with such a token; it is read anew for each request."""
    sops: SopsRef | None = None
    """Value of a file that SOPS has encrypted."""
    openbao: OpenBaoRef | None = None
    """Value in OpenBao or Vault."""
    issuer: str = ""
    """The issuer; its token endpoint is discovered (OpenID Connect Discovery 1.0)."""
    client_id: SecretRef | str = ""
    """The client, and by ``client_secret`` its secret: the issuer must let it have what it asks for by itself."""
    client_secret: SecretRef | None = None
    base: str = ""
    """The part of the URL's path that the issuer's scopes begin at; the whole path when not given."""
    audience: str = ""
    """Audience of the tokens; the server's ``https://host:port``, or any where the issuer refuses that."""

    @model_validator(mode="after")
    def _one_way(self) -> Token:
        ways = [bool(way) for way in (self.env, self.file, self.sops, self.openbao, self.issuer)]
        if sum(ways) != 1:
            message = "give one of env, file, sops, openbao, issuer"
            raise ValueError(message)
        if self.issuer and not (self.client_id and self.client_secret):
            message = "an issuer is asked with client_id and client_secret"
            raise ValueError(message)
        return self

    @property
    def kept(self) -> SecretRef | None:
        """The token that somebody keeps fresh; None when an issuer is asked."""
        return None if self.issuer else SecretRef(env=self.env, file=self.file, sops=self.sops, openbao=self.openbao)


class Options(_Options):
    """One folder of one WebDAV server."""

    url: Annotated[str, AfterValidator(_web)]
    """The folder: ``davs://host:port/path``."""
    token: Token | None = None
    ca: str = ""
    """File with the certificates of the authorities that vouch for server and issuer; the system's when not given."""
    tpc: Literal["pull", "push", "off"] = "pull"
    """Who copies from a source on another server: this one, that one, or Hanse with the bytes going through it."""
    stall: Seconds = 60.0
    """Seconds without a byte more after which a copy is given up."""
    timeout: Seconds = 30.0
    """Seconds that the server may take to answer a small request."""
    stage: bool = False
    """Its files may have to come from tape: a token for reading one allows to stage it, too."""
    atOnce: Annotated[int, Field(ge=1, le=64)] = 8
    """Folders that are listed at the same time."""
    sumsAtOnce: Annotated[int, Field(ge=1, le=64)] = 1
    """Checksums that the server is asked for at the same time: XRootD 5.5 now and then loses one of two."""
    capacity: Bytes | None = None
    """Bytes that the federation may use in all."""
    minFreeBytes: Bytes | None = None
    """Bytes that must stay free."""

    @property
    def path(self) -> str:
        """The folder's path on the server, not encoded: ``/vo/data``."""
        return unquote(urlsplit(self.url).path)

    @property
    def server(self) -> str:
        """``https://host:port``."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _no_token_in_clear(self) -> Options:
        if self.token is not None and self.url.startswith("http:"):
            message = "a token is not sent over http: give davs:// or https://"
            raise ValueError(message)
        base = (self.token.base if self.token else "").rstrip("/")
        if base and base != self.path and not self.path.startswith(base + "/"):
            message = f"token.base is {base}, which the url's path does not begin with"
            raise ValueError(message)
        return self
