"""How a report behaves: it is registered, after its profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from reconciler.availability.topology import FIELDS
from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.report.spec import ReportSpec
from reconciler.model import Edge, Ref


def _fields(_ref: Ref, spec: ReportSpec) -> Iterator[Fault]:
    for n, one in enumerate(spec.filters):
        side = one.context.split(".")[1]
        if one.context.endswith(".fields") and one.name not in FIELDS[side]:
            cure = f"there are {', '.join(FIELDS[side])}; anything else is a tag"
            yield Fault(f"spec.filters[{n}].name", f"{one.name} is no field", cure)


class ReportKind(Registered[ReportSpec]):
    """Availability of what, by which profiles."""

    name = "Report"
    plural = "reports"
    Spec = ReportSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("report-fields", "A filter of fields names a field; anything else is a tag.", _fields),
    )

    def references(self, ref: Ref, spec: ReportSpec) -> Iterable[Edge]:  # noqa: ARG002
        if spec.metricProfile:
            yield Edge(Ref.of("MetricProfile", spec.metricProfile), "exists", "spec.metricProfile")
        if spec.aggregationProfile:
            yield Edge(Ref.of("AggregationProfile", spec.aggregationProfile), "exists", "spec.aggregationProfile")
        for n, one in enumerate(spec.agreements):
            if one.site:
                yield Edge(Ref.of("Site", one.site), "exists", f"spec.agreements[{n}].site")
