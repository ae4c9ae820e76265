"""Share: the part of a cloud that one VO may use, and the way its members come in."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.when import Day
from reconciler.model import Spec, Strict

Word = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Amount = Annotated[int, Field(ge=-1)]

ISSUER = "https://aai.egi.eu/auth/realms/egi"
DOMAIN = "Default"
ROLE = "member"
PROVIDER = "egi.eu"
PROTOCOL = "openid"


class Claims(Strict):
    """Names under which keystone is given what a token says: they follow from the web server's configuration."""

    subject: Word = "HTTP_OIDC_SUB"
    """Who it is."""
    issuer: Word = "HTTP_OIDC_ISS"
    """Who says so."""
    entitlement: Word = "OIDC-eduperson_entitlement"
    """Entitlements, separated by ``;``."""


class Quota(Strict):
    """Limits of the project, for a period; -1 is unlimited, what is not given is left as it is."""

    instances: Amount | None = None
    vcpus: Amount | None = None
    ramMiB: Amount | None = None
    storageGiB: Amount | None = None
    """Volumes."""
    floatingIps: Amount | None = None
    networks: Amount | None = None
    ports: Amount | None = None
    securityGroups: Amount | None = None
    start: Day | None = None
    """First day."""
    end: Day | None = None
    """Last day."""

    def limits(self) -> dict[str, int]:
        """What is limited, by the names of the identity port."""
        return {name: value for name, value in self.model_dump(exclude={"start", "end"}).items() if value is not None}

    def holds(self, today: date) -> bool:
        """Whether it is in force."""
        return (self.start is None or self.start <= today) and (self.end is None or today <= self.end)


class ShareSpec(Spec):
    """A VO's project in a cloud's keystone, with its group, role, mapping rule and quota."""

    site: ShortName
    """Name of the Site."""
    cloud: ShortName
    """Name of the cloud within the site."""
    vo: ShortName
    """Name of the VO."""
    domain: Word | None = None
    """Keystone's domain of project and group, which must be there; ``Default`` when not given."""
    project: Name | None = None
    """Name of the project; the VO's name when not given."""
    projectId: Word | None = None
    """Id of a project that is there; it needs ``lifecycle.adopt: true`` the first time."""
    enabled: bool = True
    """Whether the project may be used."""
    property: Word | None = None
    """Value of the project's property ``egi.VO``; the VO's name when not given."""
    group: Name | None = None
    """Name of the group; the project's when not given."""
    role: Word | None = None
    """Role of the group on the project; ``member`` when not given."""
    entitlements: tuple[Word, ...] = ()
    """Whoever has one of them, letter by letter, comes into the group."""
    issuer: Word | None = None
    """Issuer of the tokens; EGI Check-in when not given."""
    identityProvider: Word | None = None
    """Identity provider as the cloud names it; ``egi.eu`` when not given."""
    protocol: Word | None = None
    """Federation protocol; ``openid`` when not given."""
    mapping: Word | None = None
    """Id of the mapping; the one that the protocol has, or a new one, when not given."""
    claims: Claims = Claims()
    quotas: tuple[Quota, ...] = ()
    """Of the quotas, the first one in force counts; without one, limits are left as they are."""
    deviations: tuple[Word, ...] = ()
    """Observed, never wanted: what there is besides and may not stay, such as a rule that lets in too many."""

    def quota(self, today: date) -> int | None:
        """Which of ``quotas`` is in force; None when there is none."""
        return next((n for n, quota in enumerate(self.quotas) if quota.holds(today)), None)
