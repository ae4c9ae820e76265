"""What a downtime is: why, how bad, when, and what it affects. Its class and its id are computed, never written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.gocdb import DowntimeDescription, Scope, ServiceType, ShortName
from reconciler.kinds.site.country import Country
from reconciler.kinds.when import Instant
from reconciler.model import Spec, Strict

Severity = Literal["OUTAGE", "WARNING"]


class SiteSelector(Strict):
    """Sites that fit all that is given."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the site's manifest, all of them."""
    ngi: ShortName | None = None
    country: Country | None = None
    scopes: tuple[Scope, ...] = ()
    """Scopes that the site has, all of them."""


class Chosen(Strict):
    """Services of a site, or of the sites that a selector finds: those named and those of the types given, or all."""

    site: ShortName | None = None
    """The Site."""
    selector: SiteSelector | None = None
    services: tuple[ShortName, ...] = ()
    """Names of services, as the site's manifest has them."""
    serviceTypes: tuple[ServiceType, ...] = ()


class Affected(Chosen):
    """Services of a site, or of the sites that a selector finds: those named and those of the types given, or all.

    For a service that several entries affect, those count that say most about it: its name before its type, its type
    before all, a site before a selector.
    """

    start: Instant | None = None
    """Where it begins later for these; UTC."""
    end: Instant | None = None
    """Where it ends earlier for these; UTC."""
    severity: Severity | None = None
    """Where it is another one for these."""


class DowntimeSpec(Spec):
    """Services that will be down, or at risk, for a time."""

    description: DowntimeDescription
    """What is done, and why: text without ` ' " ; < >."""
    severity: Severity
    """OUTAGE: it does not work; WARNING: it may not work, which never counts for availability."""
    start: Instant
    """UTC, with Z."""
    end: Instant
    """UTC, with Z."""
    affects: tuple[Affected, ...] = Field(min_length=1)
    reason: DowntimeDescription | None = None
    """Why it lasts over 31 days."""
