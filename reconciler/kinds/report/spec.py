"""What a report is: profiles, filters, targets, thresholds, and how far ARGO is followed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reconciler.availability import ARGO, Quirks
from reconciler.availability.thresholds import limits
from reconciler.kinds.gocdb import Hostname, ServiceType, ShortName
from reconciler.kinds.metricprofile.spec import MetricName
from reconciler.model import Spec, Strict

Percent = Annotated[int | float, Field(ge=0, le=100)]
Fraction = Annotated[int | float, Field(ge=0, le=1)]
Context = Literal[
    "argo.group.filter.fields",
    "argo.group.filter.tags",
    "argo.group.filter.tags.array",
    "argo.endpoint.filter.fields",
    "argo.endpoint.filter.tags",
    "argo.endpoint.filter.tags.array",
]


def _expression(text: str) -> str:
    limits(text)
    return text


class ReportFilter(Strict):
    """One line of the filter: several values of one name are alternatives, all names count."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """Of sites: ``group`` (the NGI), ``subgroup`` (the site), or a tag: certification, infrastructure, scope, country.
    Of services: ``group`` (the site), ``service`` (its type), ``hostname``, or a tag: production, monitored, scope."""
    value: Annotated[str, Field(max_length=255)]
    """``*`` is any text; ``~`` in front turns a single value round."""
    context: Context


class Targets(Strict):
    """What is expected of each site in a month; the defaults are EGI's."""

    availability: Percent = 80
    reliability: Percent = 85
    uptime: Fraction = 0.8
    unknown: Fraction = 0.1
    downtime: Fraction = 0.1


class Agreement(Strict):
    """What is expected of one site, or of services of one type, in place of the report's targets."""

    site: ShortName | None = None
    serviceType: ServiceType | None = None
    """Every monitored service of this type, wherever it is: ``Top-BDII``."""
    availability: Percent | None = None
    """Percent of the month; left out, that of ``targets`` (of a service: 99)."""
    reliability: Percent | None = None
    """Percent of the month; left out, that of ``targets`` (of a service: 99)."""
    unknown: Fraction | None = None
    """Part of the month; left out, that of ``targets``."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.site is None) == (self.serviceType is None):
            message = "give exactly one of site, serviceType"
            raise ValueError(message)
        return self


class PerformanceRule(Strict):
    """A status in place of what a check said, by what it measured."""

    metric: MetricName
    host: Hostname | None = None
    """At this host alone."""
    site: ShortName | None = None
    """At this site alone."""
    thresholds: Annotated[str, AfterValidator(_expression), Field(max_length=2000)]
    """``label=value[unit];warning;critical;min;max``, several apart by spaces. Other than with plugins a status is
    raised when the value lies strictly inside the range, and the warning range is looked at first."""


class Differences(Strict):
    """Where ARGO does what may surprise: ``true``, the default, does as ARGO does."""

    downtimeMinuteIncluded: bool = ARGO.downtime_minute_included
    """The minute in which a downtime ends belongs to it."""
    sampleAtEndHidesReturn: bool = ARGO.sample_at_end_hides_return
    """With a result at the very end of a downtime, it lasts until the next result."""
    returnOverrulesSamples: bool = ARGO.return_overrules_samples
    """After a downtime the status of its end is put back, also over a result within its last minute."""
    noReturnInLastMinute: bool = ARGO.no_return_in_last_minute
    """A downtime that ends just before midnight lasts until midnight."""
    excludedCountsAsDown: bool = ARGO.excluded_counts_as_down
    """What a recomputation excludes lowers availability; ``false``: it counts as unknown."""
    unscheduledCounts: bool = ARGO.unscheduled_counts
    """Downtimes that were declared less than a day ahead are no excuse."""
    newMetricIsUnknown: bool = ARGO.new_metric_is_unknown
    """A metric that came into its profile that day, and has no result, is UNKNOWN and not MISSING."""

    def quirks(self) -> Quirks:
        """The same as it is computed with."""
        return Quirks(*(getattr(self, name) for name in type(self).model_fields))


class ReportSpec(Spec):
    """Availability of what, by which profiles."""

    description: Annotated[str, Field(max_length=1000)] = ""
    disabled: bool = False
    """Kept, and not computed."""
    metricProfile: ShortName | None = None
    """A MetricProfile; left out, every probe of a service counts."""
    aggregationProfile: ShortName | None = None
    """An AggregationProfile; left out, the one like EGI's."""
    filters: tuple[ReportFilter, ...] = ()
    """Which sites and services; left out, all."""
    targets: Targets = Targets()
    agreements: tuple[Agreement, ...] = ()
    """Other targets, of single sites and of types of services (``hanse report ola``)."""
    performance: tuple[PerformanceRule, ...] = ()
    """The most specific rule counts: site and host, host, site, neither."""
    weights: dict[str, Annotated[int | float, Field(ge=0)]] = Field(default_factory=dict)
    """Weights of sites in their NGI's numbers (HEP-SPEC, cores); 0 for those that are not named."""
    argo: Differences = Differences()
