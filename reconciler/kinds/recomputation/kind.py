"""How a recomputation behaves: it is registered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.recomputation.spec import RecomputationSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.report.builtin import BUILTIN
from reconciler.model import Ref, Resource
from reconciler.nearest import meant


class _Known(NamedTuple):
    """What there is that a recomputation may name."""

    reports: Collection[str]
    sites: Collection[str]
    services: Collection[str]
    hosts: Collection[str]

    @classmethod
    def of(cls, resources: Mapping[Ref, Resource]) -> _Known:
        """Look at every report and site."""
        sites = {ref.name: resources[ref].spec for ref in resources if ref.startswith("Site/")}
        services = [one for spec in sites.values() for one in spec.services]
        reports = {ref.name for ref in resources if ref.startswith("Report/")} | {*BUILTIN}
        return cls(reports, sites, {one.type for one in services}, {one.hostname for one in services})

    def unknown(self, spec: RecomputationSpec) -> Iterator[Fault]:
        """Every name that nothing has."""
        yield from _missing("spec.report", "Report", spec.report, self.reports)
        for n, site in enumerate(spec.exclude):
            yield from _missing(f"spec.exclude[{n}]", "Site", site, self.sites)
        for field in ("excludeMetrics", "appliedStatusChanges"):
            for n, one in enumerate(getattr(spec, field)):
                path = f"spec.{field}[{n}]"
                yield from _missing(f"{path}.site", "Site", one.site, self.sites)
                yield from _missing(f"{path}.service", "service of type", one.service, self.services)
                yield from _missing(f"{path}.host", "service on a host", one.host, self.hosts)


def _missing(path: str, what: str, name: str | None, known: Collection[str]) -> Iterator[Fault]:
    if name is not None and name not in known:
        cure = meant(name, known, "it changes nothing, unless there was one then")
        yield Fault(path, f"there is no {what} {name}", cure)


def _times(_ref: Ref, spec: RecomputationSpec) -> Iterator[Fault]:
    if spec.end <= spec.start:
        yield Fault("spec.end", f"{spec.end:%Y-%m-%dT%H:%MZ} is not after the start")
    for n, one in enumerate(spec.excludeMonitoringSources):
        if one.end < one.start:
            yield Fault(f"spec.excludeMonitoringSources[{n}].end", f"{one.end:%Y-%m-%dT%H:%MZ} is before the start")


def _something(_ref: Ref, spec: RecomputationSpec) -> Iterator[Fault]:
    if not (spec.exclude or spec.excludeMetrics or spec.excludeMonitoringSources or spec.appliedStatusChanges):
        cure = "give exclude, excludeMetrics, excludeMonitoringSources or appliedStatusChanges"
        yield Fault("spec", "it changes nothing", cure)


class RecomputationKind(Registered[RecomputationSpec]):
    """What was measured wrongly."""

    name = "Recomputation"
    plural = "recomputations"
    Spec = RecomputationSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("recomputation-times", "A recomputation ends after it starts.", _times),
        Rule("recomputation-empty", "A recomputation changes something.", _something),
        Rule("recomputation-names", "What a recomputation names is declared.", between, "warning"),
    )

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        """Names that nothing has: a typing error would make a recomputation one of nothing."""
        mine = sorted(ref for ref in resources if ref.startswith("Recomputation/"))
        if not mine or not any(ref.startswith(("Recomputation/", "Site/", "Report/")) for ref in changed):
            return
        known = _Known.of(resources)
        for ref in mine:
            yield from ((ref, "recomputation-names", fault) for fault in known.unknown(resources[ref].spec))
