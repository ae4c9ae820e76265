"""How a probe behaves: it is registered, and waits for what it looks at. The daemon runs what is registered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.probe.rules import RULES, unknown_services
from reconciler.kinds.probe.spec import ProbeSpec
from reconciler.kinds.probe.thresholds import Limits, as_text
from reconciler.kinds.registered import Registered
from reconciler.model import Edge, Ref, Resource


class ProbeKind(Registered[ProbeSpec]):
    """A check of a service, a cluster, a name or a URL."""

    name = "Probe"
    plural = "probes"
    Spec = ProbeSpec
    follows: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def canonical(self, spec: ProbeSpec) -> ProbeSpec:
        """Thresholds in the order of their labels, ranges as text."""
        thresholds = tuple(sorted(map(_textual, spec.thresholds), key=lambda limits: limits.label))
        return spec if thresholds == spec.thresholds else spec.model_copy(update={"thresholds": thresholds})

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        """A probe of a service that its site does not have, when either changed."""
        among = resources if any(ref.startswith("Site/") for ref in changed) else changed
        beside = {ref: resources[ref] for ref in among if ref.startswith("Probe/") and ref in resources}
        if not beside:
            return []
        named = {edge.ref for held in beside.values() for edge in held.edges}
        beside |= {ref: resources[ref] for ref in named if ref.startswith("Site/") and ref in resources}
        return [(ref, "probe-service", fault) for ref, fault in unknown_services(beside)]

    def references(self, ref: Ref, spec: ProbeSpec) -> Iterable[Edge]:
        target = spec.target
        templates = [Edge(Ref.of("MetricTemplate", spec.template), "exists", "spec.template")] if spec.template else []
        if target.siteService is not None:
            site = Edge(Ref.of("Site", target.siteService.site), "exists", "spec.target.siteService.site")
            return [site, *templates]
        if target.services is not None:
            profile = target.services.profile
            where = "spec.target.services.profile"
            return [Edge(Ref.of("MetricProfile", profile), "exists", where)] if profile else templates
        if target.virtualCluster is not None:
            return [Edge(_named("VirtualCluster", target.virtualCluster, ref), "ready", "spec.target.virtualCluster")]
        if target.dnsRecord is not None:
            return [Edge(_named("DNSRecord", target.dnsRecord, ref), "ready", "spec.target.dnsRecord")]
        return []


def looked_at(ref: Ref, spec: ProbeSpec) -> Ref | None:
    """The resource that a probe looks at; None for a URL."""
    edges = ProbeKind().references(ref, spec) if spec.target.services is None else ()
    return next((edge.ref for edge in edges), None)


def _named(kind: str, reference: str, ref: Ref) -> Ref:
    namespace, _, name = reference.rpartition("/")
    return Ref.of(kind, name, namespace or ref.namespace)


def _textual(limits: Limits) -> Limits:
    given = {"warning": limits.warning, "critical": limits.critical}
    return limits.model_copy(update={k: None if v is None else as_text(v) for k, v in given.items()})
