"""Who may log in, and who may change what people may do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.model import SecretRef, Strict


class IssuerSettings(Strict):
    """An OpenID provider that vouches for people. What it says is believed because it is listed here."""

    issuer: Annotated[str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$)).+")]
    """``https://aai.egi.eu/auth/realms/egi``, as the provider writes it; ``http`` only on this machine."""
    client_id: Annotated[str, Field(min_length=1)]
    """What Hanse's page is called there."""
    client_secret: SecretRef | None = None
    """Left out for a public client."""
    device_client_id: str = ""
    """The public client of ``hanse login``; ``client_id`` when left out."""
    label: str = ""
    """What the page calls the provider; the host's name when left out."""
    scopes: tuple[str, ...] = ("openid", "profile", "voperson_id", "eduperson_entitlement")
    """What is asked for."""
    identity: Annotated[tuple[str, ...], Field(min_length=1)] = ("voperson_id", "sub")
    """Claims that may tell who somebody is; the first that is there counts."""
    entitlements: tuple[str, ...] = ("entitlements", "eduperson_entitlement")
    """Claims that may tell what somebody may; all of them count."""
    name: tuple[str, ...] = ("name", "preferred_username", "email")
    """Claims that may tell what somebody is called; the first that is there counts."""
    clients: tuple[str, ...] = ()
    """Other clients (``azp``) whose access tokens are taken, such as ``oidc-agent``."""
    audiences: tuple[str, ...] = ()
    """Other audiences (``aud``) that access tokens may be for, besides ``client_id``."""
    algorithms: Annotated[
        tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], ...],
        Field(min_length=1),
    ] = ("RS256", "PS256", "ES256")
    """How tokens may be signed."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""


class OidcSettings(Strict):
    """Who may log in, to pages, to the API and with ``hanse login``."""

    issuers: tuple[IssuerSettings, ...] = ()
    """Providers whose word is taken; none: nobody logs in."""
    readers: tuple[str, ...] = ()
    """Patterns of entitlements that may look (``urn:mace:egi.eu:group:vo.example.org:*``); ``*`` is everybody who can
    log in. Who may do anything by a Tenancy may look too."""
    idle_minutes: Annotated[int, Field(ge=1)] = 60
    """A session that nobody used for so long is over."""
    session_hours: Annotated[float, Field(gt=0)] = 8.0
    """A session ends after so long, however much it is used."""
    entitlement_minutes: Annotated[float, Field(ge=0)] = 10.0
    """So long at most, what the provider told of somebody's rights is taken for true. Who agrees to something on a
    page, or holds it, must have logged in since; looking goes on as long as the session."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        known = [one.issuer for one in self.issuers]
        if twice := {one for one in known if known.count(one) > 1}:
            raise ValueError(f"{min(twice)} stands there twice")
        return self


class OwnerSettings(Strict):
    """Somebody who may change Tenancies: exactly one of entitlement, person, signer, user and team."""

    entitlement: str = ""
    """Entitlement of a token (``urn:mace:egi.eu:group:...``)."""
    person: str = ""
    """``voperson_id`` of a token."""
    issuer: str = ""
    """Issuer of the tokens that count, for an entitlement and a person."""
    signer: str = ""
    """Principal of a signature."""
    user: str = ""
    """User of the forge: ``@ana``."""
    team: str = ""
    """Team of the forge: ``@bay/operators``."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [one for one in (self.entitlement, self.person, self.signer, self.user, self.team) if one]
        if len(given) != 1:
            raise ValueError(f"give exactly one of entitlement, person, signer, user, team, not {len(given)}")
        if bool(self.issuer) != bool(self.entitlement or self.person):
            raise ValueError("an issuer belongs to an entitlement and to a person, and to nothing else")
        return self


class TenancySettings(Strict):
    """Who may do what, beside what Tenancies in git say. Without a Tenancy in git it has no effect."""

    owners: tuple[OwnerSettings, ...] = ()
    """Who may change Tenancies; the first one is taken from nobody else."""
    trust: Literal["signature", "author"] = "signature"
    """What proves who made a commit. ``author``: the address that an unsigned commit bears is believed, which anybody
    can write: for repositories whose forge lets nobody push in another's name."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen) whose signatures prove who they are, beside those of ``[source]``."""
    keyring: Path | None = None
    """Public keys (``gpg --export --armor``) of such signers."""
