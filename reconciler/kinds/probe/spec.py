"""What a probe is: what it looks at, with which plugin, how often, and when it is bad enough to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import ServiceType, ShortName
from reconciler.kinds.probe.thresholds import Limits
from reconciler.model import Spec, Strict

Reference = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""``name`` in the probe's own namespace, or ``namespace/name``."""
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]
Argument = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00\n]*$")]


class SiteService(Strict):
    """A service of a Site."""

    site: ShortName
    """Name of the Site."""
    service: ShortName
    """Name of the service within the site."""


class Services(Strict):
    """Services of sites, whichever they are: what git declares is what is looked at."""

    type: ServiceType | None = None
    """Every monitored service of a type; the template says how."""
    profile: Reference | None = None
    """Every monitored service of the types of a MetricProfile, with the metrics that it names: each has a template."""
    sites: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=255)], ...], Field(max_length=500)] = ()
    """Only these sites; ``*`` stands for anything in a name. Left out: all, closed ones excepted."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.type is None) == (self.profile is None):
            message = "give exactly one of type, profile"
            raise ValueError(message)
        return self


class Override(Strict):
    """A value that is another at one host."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    attribute: Name | None = None
    metric: Name | None = None
    """Of a parameter: of this metric's."""
    parameter: Name | None = None
    value: Argument
    """Of an attribute that is a secret: the name of another secret."""

    @model_validator(mode="after")
    def _attribute_or_parameter(self) -> Self:
        if (self.attribute is None) == (self.parameter is None) or (self.parameter is None) != (self.metric is None):
            message = "give attribute, or metric and parameter"
            raise ValueError(message)
        return self


class ProbeTarget(Strict):
    """What is looked at: exactly one of these."""

    siteService: SiteService | None = None
    services: Services | None = None
    """Services of a type, or of a MetricProfile: one check for each."""
    virtualCluster: Reference | None = None
    """A VirtualCluster: its front end."""
    dnsRecord: Reference | None = None
    """A DNSRecord: the name it keeps."""
    url: Annotated[str, Field(max_length=2000, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*$")] | None = None
    """Any URL."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [self.siteService, self.services, self.virtualCluster, self.dnsRecord, self.url]
        if sum(one is not None for one in given) != 1:
            message = "give exactly one of siteService, services, virtualCluster, dnsRecord, url"
            raise ValueError(message)
        return self


class ProbeSpec(Spec):
    """A check that is run again and again. Availability is computed from what it says."""

    target: ProbeTarget
    plugin: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)] | None = None
    """Name of a monitoring plugin that the operator allows: ``check_http``."""
    passive: bool = False
    """True: it is not run; others tell its results, over HTTP. Then there is no plugin."""
    template: Name | None = None
    """A MetricTemplate, which brings plugin, arguments, times and attempts with it."""
    attributes: Mapping[Name, Argument] = Field(default_factory=dict)
    """Values for attributes of templates, beside the operator's."""
    overrides: tuple[Override, ...] = ()
    """Values that are others at some hosts."""
    arguments: Annotated[tuple[Argument, ...], Field(max_length=50)] = ()
    """Its arguments. ``{host}``, ``{port}``, ``{url}`` and ``{address}`` are taken from the target."""
    interval: Annotated[int, Field(ge=60, le=86_400)] = 300
    """Seconds from one run to the next."""
    timeout: Annotated[int, Field(ge=1, le=120)] = 10
    """Seconds that one run may take."""
    retryInterval: Annotated[int, Field(ge=10, le=86_400)] | None = None
    """Seconds from a bad result that does not count yet to the next run; left out, the interval."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Bad results in a row before the state counts (is hard). Of a passive probe 1, where it does not say:
    who tells its results has tried again already."""
    thresholds: tuple[Limits, ...] = ()
    """Limits on what the plugin measures, beside those in its arguments."""
    enabled: bool = True
    """False: it is kept and not run."""

    @model_validator(mode="after")
    def _told_once(self) -> Self:
        if self.passive and "attempts" not in self.model_fields_set:
            object.__setattr__(self, "attempts", 1)  # a copy would not be taken: the fields are frozen
        return self

    @model_validator(mode="after")
    def _run_or_told(self) -> Self:
        target: object = self.target
        if not isinstance(target, ProbeTarget):  # it is faulty, and the rest of the manifest is looked at
            return self
        services = target.services
        profile = services is not None and services.profile is not None
        if sum((self.plugin is not None, self.passive, self.template is not None, profile)) != 1:
            message = (
                "give one of plugin, template, passive: true" if not profile else "a profile's metrics have templates"
            )
            raise ValueError(message)
        if services is not None and not profile and self.template is None:
            message = "give template: it says how services of a type are looked at"
            raise ValueError(message)
        if self.template is not None and services is None and target.siteService is None:
            message = "a template is for services: give siteService or services"
            raise ValueError(message)
        return self
