"""What a probe is: what it looks at, with which plugin, how often, and when it is bad enough to count."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.probe.thresholds import Limits
from reconciler.model import Spec, Strict

Reference = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""``name`` in the probe's own namespace, or ``namespace/name``."""
Argument = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00\n]*$")]


class SiteService(Strict):
    """A service of a Site."""

    site: ShortName
    """Name of the Site."""
    service: ShortName
    """Name of the service within the site."""


class ProbeTarget(Strict):
    """What is looked at: exactly one of these."""

    siteService: SiteService | None = None
    virtualCluster: Reference | None = None
    """A VirtualCluster: its front end."""
    dnsRecord: Reference | None = None
    """A DNSRecord: the name it keeps."""
    url: Annotated[str, Field(max_length=2000, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*$")] | None = None
    """Any URL."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [self.siteService, self.virtualCluster, self.dnsRecord, self.url]
        if sum(one is not None for one in given) != 1:
            message = "give exactly one of siteService, virtualCluster, dnsRecord, url"
            raise ValueError(message)
        return self


class ProbeSpec(Spec):
    """A check that is run again and again. Availability is computed from what it says."""

    target: ProbeTarget
    plugin: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)] | None = None
    """Name of a monitoring plugin that the operator allows: ``check_http``."""
    passive: bool = False
    """True: it is not run; others tell its results, over HTTP. Then there is no plugin."""
    arguments: Annotated[tuple[Argument, ...], Field(max_length=50)] = ()
    """Its arguments. ``{host}``, ``{port}``, ``{url}`` and ``{address}`` are taken from the target."""
    interval: Annotated[int, Field(ge=60, le=86_400)] = 300
    """Seconds from one run to the next."""
    timeout: Annotated[int, Field(ge=1, le=120)] = 10
    """Seconds that one run may take."""
    retryInterval: Annotated[int, Field(ge=10, le=86_400)] | None = None
    """Seconds from a bad result that does not count yet to the next run; left out, the interval."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Bad results in a row before the state counts (is hard)."""
    thresholds: tuple[Limits, ...] = ()
    """Limits on what the plugin measures, beside those in its arguments."""
    enabled: bool = True
    """False: it is kept and not run."""

    @model_validator(mode="after")
    def _run_or_told(self) -> Self:
        if (self.plugin is None) != self.passive:
            message = "give plugin, or passive: true"
            raise ValueError(message)
        return self
