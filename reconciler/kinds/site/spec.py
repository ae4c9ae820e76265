"""Site: a resource centre, what GOCDB holds about it and what it offers. The short name is ``metadata.name``."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from reconciler.kinds.gocdb import (
    Domain,
    Email,
    Emails,
    GiisUrl,
    HomeUrl,
    IpRange,
    Ipv6Range,
    Latitude,
    Longitude,
    PlainText,
    Reason,
    RequiredEmails,
    Scope,
    ShortName,
    SiteDescription,
    Telephone,
    Timezone,
)
from reconciler.kinds.site.batch import Batch
from reconciler.kinds.site.cloud import Cloud
from reconciler.kinds.site.country import Country
from reconciler.kinds.site.limits import SiteLimits
from reconciler.kinds.site.service import Extension, Service
from reconciler.kinds.site.storage import Storage
from reconciler.model import Spec, Strict

Certification = Literal["Candidate", "Uncertified", "Certified", "Suspended", "Closed"]
Infrastructure = Literal["Production", "Test", "SC", "PPS"]
Integration = Literal["full", "aai", "application-sharing", "data-sharing"]


class Contacts(Strict):
    """Whom to reach, and how."""

    email: RequiredEmails | None = None
    """The site's administrators: one or several addresses, separated by ``;`` or ``,``."""
    telephone: Telephone | None = None
    csirtEmail: Email | None = None
    """The site's security team."""
    csirtTelephone: Telephone | None = None
    emergencyEmail: Email | None = None
    emergencyTelephone: Telephone | None = None
    alarmEmail: Emails | None = None
    """Alarms of the large experiments' support."""
    helpdeskEmail: Emails | None = None


class CertificationChange(Strict):
    """The last change of a site's certification."""

    reason: Reason
    """Why it stands so now; at most 300 bytes."""
    force: bool = False
    """Take a step that EGI's procedure does not document. It counts for a reason of its own, not for an earlier one."""


class SiteSpec(Spec):
    """A site. Nearly all is optional, so that a site known by its cloud alone can be declared."""

    officialName: PlainText | None = None
    description: SiteDescription | None = None
    homeUrl: HomeUrl | None = None
    giisUrl: GiisUrl | None = None
    ngi: ShortName | None = None
    """National Grid Initiative or operations centre it belongs to: ``NGI_IBERGRID``."""
    subgrid: ShortName | None = None
    tier: Annotated[int, Field(ge=0, le=3)] | None = None
    country: Country | None = None
    """ISO 3166-1 alpha-2 code."""
    domain: Domain | None = None
    timezone: Timezone | None = None
    """Area/City: ``Europe/Madrid``."""
    location: PlainText | None = None
    """Town or address."""
    latitude: Latitude | None = None
    """Degrees north."""
    longitude: Longitude | None = None
    """Degrees east."""
    contacts: Contacts = Contacts()
    certification: Certification | None = None
    """Candidate, then Uncertified, then Certified; Suspended leads back to Uncertified; Closed is the end."""
    certificationChange: CertificationChange | None = None
    infrastructure: Infrastructure | None = None
    notifications: bool = False
    """Send mail about the site's downtimes."""
    scopes: tuple[Scope, ...] = ()
    extensions: tuple[Extension, ...] = ()
    ipRanges: tuple[IpRange, ...] = ()
    """``address/mask``: ``192.0.2.0/255.255.255.0``."""
    ipv6Ranges: tuple[Ipv6Range, ...] = ()
    integration: Integration = "full"
    """How far the site is integrated: fully, only its AAI, only shared applications, only shared data."""
    services: tuple[Service, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    storage: tuple[Storage, ...] = ()
    batch: tuple[Batch, ...] = ()
    limits: SiteLimits | None = None
    """What the site lets the federation do there, at most; nothing but this manifest lifts it."""

    def cloud(self, name: str) -> Cloud | None:
        """The cloud called ``name``."""
        return next((c for c in self.clouds if c.name == name), None)

    def services_at(self, *urls: str) -> frozenset[str]:
        """Names of the services that run on the hosts of these URLs."""
        hosts = {urlsplit(url).hostname for url in urls} - {None}
        return frozenset(s.name for s in self.services if hosts & {s.hostname.lower(), urlsplit(s.url or "").hostname})

    def storage_named(self, name: str) -> Storage | None:
        """The storage called ``name``."""
        return next((s for s in self.storage if s.name == name), None)

    def service(self, name: str) -> Service | None:
        """The service called ``name``."""
        return next((s for s in self.services if s.name == name), None)
