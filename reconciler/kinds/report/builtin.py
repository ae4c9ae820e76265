"""The reports that are there without being declared; a Report of the same name takes their place."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.report.spec import ReportFilter, ReportSpec

_MONITORED = ReportFilter(name="monitored", value="1", context="argo.endpoint.filter.tags")

BUILTIN: Mapping[str, ReportSpec] = {
    "Default": ReportSpec(description="Every site with monitored services", filters=(_MONITORED,)),
    "Critical": ReportSpec(
        description="Production services of certified production sites, as EGI reports them",
        filters=(
            ReportFilter(name="certification", value="Certified", context="argo.group.filter.tags"),
            ReportFilter(name="infrastructure", value="Production", context="argo.group.filter.tags"),
            ReportFilter(name="production", value="1", context="argo.endpoint.filter.tags"),
            _MONITORED,
        ),
    ),
}
