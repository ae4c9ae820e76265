"""From manifests to what a day is computed from: topology, profiles, thresholds, recomputations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from reconciler.availability import (
    AggregationProfile,
    Endpoint,
    Excluded,
    Filter,
    Group,
    MetricProfile,
    Recomputation,
    Selector,
    StatusChange,
    ThresholdRule,
    Thresholds,
    filtered,
)
from reconciler.availability.thresholds import limits
from reconciler.errors import SettingsError
from reconciler.kinds.aggregationprofile import DEFAULT, AggregationProfileSpec, profile_of
from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.probe import ProbeSpec, Topology, checks_of
from reconciler.kinds.recomputation import RecomputationSpec, Selection
from reconciler.kinds.report import BUILTIN, ReportSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Ref, Resource, Spec
from reconciler.nearest import meant

Resources = Mapping[Ref, Resource]
SpecT = TypeVar("SpecT", bound=Spec)
DEFAULT_NAME = "hanse-egi"
EVERY_PROBE = "every-probe"
METRIC_LABEL = "metric"


@dataclass(frozen=True)
class Source:
    """Where the samples of a metric come from: a probe."""

    ref: Ref
    service: str
    hostname: str
    metric: str
    enabled: bool

    @property
    def monitor(self) -> str:
        """What stands for the monitoring host: the probe, by namespace and name."""
        return self.ref.whole.partition("/")[2]


@dataclass(frozen=True)
class Declaration:
    """What one commit says of a report."""

    report: str
    spec: ReportSpec
    groups: tuple[Group, ...]
    endpoints: tuple[Endpoint, ...]
    sources: tuple[Source, ...]
    metrics: MetricProfile
    aggregation: AggregationProfile
    thresholds: Thresholds


def report_named(resources: Resources, name: str, otherwise: str = "Default") -> tuple[str, ReportSpec]:
    """A report by its name; for "" the only one that is declared, or else ``otherwise``. Raises SettingsError."""
    declared = {ref.name: item.spec for ref, item in resources.items() if ref.kind == "Report"}
    if not name:
        enabled = [one for one, spec in declared.items() if not spec.disabled]
        name = enabled[0] if len(enabled) == 1 else otherwise
    known: Mapping[str, ReportSpec] = {**BUILTIN, **declared}
    if name not in known:
        cure = meant(name, known, f"there are {', '.join(sorted(known))}")
        raise SettingsError(f"there is no report {name}: {cure}")
    if known[name].disabled:
        raise SettingsError(f"the report {name} is disabled: its manifest says so")
    return name, known[name]


def declaration(resources: Resources, report: str, spec: ReportSpec) -> Declaration:
    """What the resources of one commit say of a report."""
    filters = [Filter(one.name, one.value, one.context) for one in spec.filters]
    groups, endpoints = filtered(*_topology(resources, spec.weights), filters)
    sources = tuple(_sources(resources))
    return Declaration(
        report,
        spec,
        tuple(groups),
        tuple(endpoints),
        sources,
        _metrics(resources, spec.metricProfile, sources),
        _aggregation(resources, spec.aggregationProfile),
        Thresholds(
            tuple(
                ThresholdRule(one.metric, limits(one.thresholds), one.host or "", one.site or "")
                for one in spec.performance
            )
        ),
    )


def _topology(resources: Resources, weights: Mapping[str, float]) -> tuple[list[Group], list[Endpoint]]:
    """Sites and services with the tags that GOCDB's bridge to ARGO gives them."""
    groups, endpoints = [], []
    for name, site in _specs(resources, "Site", SiteSpec):
        tags = {
            "certification": site.certification or "",
            "infrastructure": site.infrastructure or "",
            "country": site.country or "",
            "scope": ", ".join(site.scopes),
        }
        groups.append(Group(site.ngi or "", name, tags=tags, weight=weights.get(name, 0)))
        for one in site.services:
            told = {
                "production": str(int(one.production)),
                "monitored": str(int(one.monitored)),
                "scope": ", ".join(one.scopes),
            }
            endpoints.append(Endpoint(name, one.type, one.hostname, tags=told))
    return groups, endpoints


def _sources(resources: Resources) -> Iterator[Source]:
    topology = _of_services(resources)
    for ref in sorted(ref for ref in resources if ref.kind == "Probe"):
        spec: ProbeSpec = resources[ref].spec
        for check in checks_of(ref, spec, topology):
            yield Source(check.ref, *check.looked, spec.enabled)
        looks = spec.target.siteService
        site = resources.get(Ref.of("Site", looks.site)) if looks else None
        service = site.spec.service(looks.service) if looks and site else None
        if service is not None:
            metric = (resources[ref].labels or {}).get(METRIC_LABEL) or spec.template or ref.partition("/")[2]
            yield Source(ref, service.type, service.hostname, metric, spec.enabled)


def _of_services(resources: Resources) -> Topology:
    """What probes of services are about; templates say how, which is no matter here."""
    sites = dict(_specs(resources, "Site", SiteSpec))
    return Topology(sites, dict(_specs(resources, "MetricProfile", MetricProfileSpec)))


def _metrics(resources: Resources, name: str | None, sources: Iterable[Source]) -> MetricProfile:
    if name:
        spec: MetricProfileSpec = resources[Ref.of("MetricProfile", name)].spec
        return MetricProfile(name, {one.service: frozenset(one.metrics) for one in spec.services})
    hosts: dict[tuple[str, str], frozenset[str]] = {}
    for one in sources:
        if one.enabled:
            key = (one.service, one.hostname)
            hosts[key] = hosts.get(key, frozenset()) | {one.metric}
    return MetricProfile(EVERY_PROBE, hosts=hosts)


def _aggregation(resources: Resources, name: str | None) -> AggregationProfile:
    if not name:
        return profile_of(DEFAULT_NAME, DEFAULT)
    spec: AggregationProfileSpec = resources[Ref.of("AggregationProfile", name)].spec
    return profile_of(name, spec)


# -- what is told afterwards -------------------------------------------------------------------------------------------


def recomputations(resources: Resources, report: str, start: datetime) -> tuple[Recomputation, ...]:
    """The requests that touch the day that begins at ``start``."""
    found = []
    for name, spec in _specs(resources, "Recomputation", RecomputationSpec):
        if spec.report in (None, report):
            made = _recomputation(name, spec, start)
            found += [made] if made.touches else []
    return tuple(found)


def _recomputation(name: str, spec: RecomputationSpec, day: datetime) -> Recomputation:
    def second(moment: datetime) -> int:
        return int((moment - day).total_seconds())

    def selector(one: Selection) -> Selector:
        return Selector(one.site or "", one.service or "", one.host or "", one.metric or "")

    return Recomputation(
        name,
        second(spec.start),
        second(spec.end),
        frozenset(spec.exclude),
        tuple(selector(one) for one in spec.excludeMetrics),
        tuple(Excluded(one.host, second(one.start), second(one.end)) for one in spec.excludeMonitoringSources),
        tuple(StatusChange(selector(one), one.state) for one in spec.appliedStatusChanges),
    )


def _specs(resources: Resources, kind: str, _spec: type[SpecT]) -> Iterator[tuple[str, SpecT]]:
    for ref in sorted(ref for ref in resources if ref.kind == kind):
        yield ref.name, resources[ref].spec
