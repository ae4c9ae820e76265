"""Services: from one Probe for many services to a check of each, with the command that its template makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.metrictemplate import DEFAULT_PORTS, Command, MetricTemplateSpec, Place, Surroundings, command
from reconciler.kinds.probe.checks import Looked
from reconciler.kinds.probe.spec import ProbeSpec, Services
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.service import Service
from reconciler.model import Ref

_CLOSED = "Closed"


@dataclass(frozen=True)
class Topology:
    """What is declared, by name, as far as probes of services ask for it."""

    sites: Mapping[str, SiteSpec] = field(default_factory=dict)
    profiles: Mapping[str, MetricProfileSpec] = field(default_factory=dict)
    templates: Mapping[str, MetricTemplateSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class Operator:
    """What the operator says for every template."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=lambda: DEFAULT_PORTS)


@dataclass(frozen=True)
class Check:
    """One metric at one service."""

    ref: Ref
    looked: Looked
    site: str
    service: Service


def checks_of(ref: Ref, spec: ProbeSpec, topology: Topology) -> Iterator[Check]:
    """The checks of a probe of services, each metric of a host once; of any other probe none."""
    wanted = spec.target.services
    if wanted is None:
        return
    metrics = _metrics(spec, wanted, topology)
    seen: set[Looked] = set()
    for site, service in _services(wanted, topology.sites):
        for metric in metrics.get(service.type, ()):
            looked = Looked(service.type, service.hostname, metric)
            if looked not in seen:
                seen.add(looked)
                yield Check(ref.attempt(f"{site}/{service.name}/{metric}"), looked, site, service)


def commanded(
    spec: ProbeSpec, check: Check, template: MetricTemplateSpec, topology: Topology, operator: Operator
) -> Command:
    """The command of a check. Raises Lacking."""
    host, metric = check.looked.hostname, check.looked.metric
    here = [one for one in spec.overrides if one.host in (host, f"{check.looked.service}__{host}")]
    said = Surroundings(
        {**operator.attributes, **spec.attributes},
        operator.ports,
        {one.attribute: one.value for one in here if one.attribute},
        {one.parameter: one.value for one in here if one.parameter and one.metric == metric},
    )
    return command(metric, template, place_of(check.site, check.service, topology), said)


def effective(spec: ProbeSpec, template: MetricTemplateSpec, templates: Mapping[str, MetricTemplateSpec]) -> ProbeSpec:
    """The probe with the times of a template. A passive metric has those of its parent."""
    parent = templates.get(template.parent) if template.passive else None
    config = (parent or template).config
    interval = (config.interval or 5) * 60
    retry = config.retryInterval * 60 if config.retryInterval else None
    times = {
        "interval": interval,
        "retryInterval": min(retry, interval) if retry else None,
        "attempts": config.maxCheckAttempts or 1,
        "timeout": config.timeout or 120,
    }
    return spec.model_copy(update={**times, "passive": template.passive, "plugin": None})


def place_of(site: str, service: Service, topology: Topology) -> Place:
    """What the topology tells of a service."""
    monitored = [endpoint for endpoint in service.endpoints if endpoint.monitored]
    extensions = {one.key: one.value for endpoint in monitored for one in endpoint.extensions}
    extensions |= {one.key: one.value for one in service.extensions}
    beside = topology.sites[site].services if site in topology.sites else ()
    return Place(
        service.hostname,
        site,
        service.type,
        service.url or "",
        tuple(endpoint.url for endpoint in monitored if endpoint.url),
        service.hostDn or "",
        extensions,
        next((one.hostname for one in beside if one.type == "Site-BDII"), ""),
    )


def _metrics(spec: ProbeSpec, wanted: Services, topology: Topology) -> Mapping[str, Iterable[str]]:
    """Service type -> metrics."""
    if wanted.type is not None:
        return {wanted.type: [spec.template] if spec.template else []}
    profile = topology.profiles.get(wanted.profile or "")
    return {one.service: one.metrics for one in profile.services} if profile else {}


def _services(wanted: Services, sites: Mapping[str, SiteSpec]) -> Iterator[tuple[str, Service]]:
    for name, site in sorted(sites.items()):
        if wanted.sites and not any(fnmatchcase(name, pattern) for pattern in wanted.sites):
            continue
        if site.certification != _CLOSED:
            yield from ((name, service) for service in site.services if service.monitored)
