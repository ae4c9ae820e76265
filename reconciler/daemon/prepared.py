"""Probes made ready to run, from what was applied: placeholders filled, templates turned into commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.kinds import Kind
from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.metrictemplate import Lacking, MetricTemplateSpec
from reconciler.kinds.probe import (
    Check,
    Checks,
    Looked,
    Operator,
    ProbeSpec,
    Topology,
    Unfilled,
    arguments,
    checks_of,
    commanded,
    effective,
    looked_at,
)
from reconciler.kinds.site import SiteSpec
from reconciler.model import Details, Inventory, Ref


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe ready to run."""

    ref: Ref
    spec: ProbeSpec
    arguments: tuple[str, ...] = ()
    """With placeholders filled; of a template some may be secrets, by name."""
    missing: str = ""
    """Why they could not be filled; the result is UNKNOWN then."""
    about: Looked | None = None
    """The service it looks at, if it is one, and what its metric is called."""
    path: str = ""
    """The plugin, where a template says it."""

    @property
    def passive(self) -> bool:
        """It is not run: others say how it stands."""
        return self.spec.passive


def prepared(
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    metrics: Mapping[Ref, str] | None = None,
    operator: Operator | None = None,
) -> dict[Ref, Probe]:
    """The enabled probes that are in the inventory, with what it knows about their targets.

    ``metrics``: what the metric of a probe is called, where that is not its name.
    """
    details = inventory.details([ref for ref in inventory.entries if ref.kind == "Probe"])
    read = {ref: ProbeSpec.model_validate_json(held.content) for ref, held in details.items()}
    specs = {ref: spec for ref, spec in read.items() if spec.enabled}
    topology = topology_of(inventory) if any(spec.target.services or spec.template for spec in specs.values()) else None
    targets = {ref: looked_at(ref, spec) for ref, spec in specs.items()}
    held = inventory.details({target for target in targets.values() if target and target in inventory.entries})
    found: dict[Ref, Probe] = {}
    for ref, target in targets.items():
        about = held.get(target) if target else None
        if topology and (specs[ref].target.services or specs[ref].template):
            made = _templated(ref, specs[ref], (metrics or {}).get(ref, ""), topology, operator or Operator())
            found |= {probe.ref: probe for probe in made}
        else:
            metric = (metrics or {}).get(ref) or ref.partition("/")[2]
            found[ref] = _alone(ref, specs[ref], metric, kinds[target.kind] if target else None, about)
    return found


def checks(probes: Mapping[Ref, Probe]) -> Checks:
    """Probes by what they look at."""
    about = {ref: probe.about for ref, probe in probes.items() if probe.about}
    attempts = {ref: probe.spec.attempts for ref, probe in probes.items()}
    return Checks(attempts, {looked: ref for ref, looked in about.items()}, about)


def topology_of(inventory: Inventory) -> Topology:
    """Sites, profiles and templates that were applied."""
    wanted: dict[str, type[Any]] = {
        "Site": SiteSpec,
        "MetricProfile": MetricProfileSpec,
        "MetricTemplate": MetricTemplateSpec,
    }
    held = inventory.details([ref for ref in inventory.entries if ref.kind in wanted])
    specs: dict[str, dict[str, Any]] = {kind: {} for kind in wanted}
    for ref, one in held.items():
        specs[ref.kind][ref.name] = wanted[ref.kind].model_validate_json(one.content)
    return Topology(specs["Site"], specs["MetricProfile"], specs["MetricTemplate"])


def _templated(ref: Ref, spec: ProbeSpec, metric: str, topology: Topology, operator: Operator) -> Iterator[Probe]:
    """The checks of a probe that templates are for."""
    for check in _checks(ref, spec, metric, topology):
        template = topology.templates.get(spec.template or check.looked.metric)
        if template is None:
            missing = f"there is no template {check.looked.metric}"
            yield Probe(check.ref, spec.model_copy(update={"passive": True}), missing=missing, about=check.looked)
            continue
        made = Probe(check.ref, effective(spec, template, topology.templates), about=check.looked)
        if template.passive:
            yield made
            continue
        try:
            command = commanded(spec, check, template, topology, operator)
        except Lacking as error:
            yield replace(made, missing=str(error))
        else:
            yield replace(made, path=command.plugin, arguments=command.arguments)


def _checks(ref: Ref, spec: ProbeSpec, metric: str, topology: Topology) -> Iterator[Check]:
    wanted = spec.target.siteService
    if wanted is None:
        yield from checks_of(ref, spec, topology)
        return
    site = topology.sites.get(wanted.site)
    service = site.service(wanted.service) if site else None
    if service is not None:
        yield Check(ref, Looked(service.type, service.hostname, metric or spec.template or ""), wanted.site, service)


def _alone(ref: Ref, spec: ProbeSpec, metric: str, kind: Kind[Any] | None, about: Details | None) -> Probe:
    declared = kind.Spec.model_validate_json(about.content) if kind and about else None
    probe = Probe(ref, spec, about=_looked(spec, declared, metric))
    try:
        return replace(probe, arguments=arguments(spec, declared, about.outputs if about else {}))
    except Unfilled as error:
        return replace(probe, missing=str(error))


def _looked(spec: ProbeSpec, declared: Any, metric: str) -> Looked | None:
    wanted = spec.target.siteService
    service = declared.service(wanted.service) if wanted and isinstance(declared, SiteSpec) else None
    return Looked(service.type, service.hostname, metric) if service else None
