"""What a recomputation is: a time, and what did not count in it, or stood otherwise."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import Hostname, RequiredEmail, ServiceType, ShortName
from reconciler.kinds.metricprofile.spec import MetricName
from reconciler.kinds.when import Instant
from reconciler.model import Spec, Strict


class Selection(Strict):
    """Everything that fits all that is given."""

    site: ShortName | None = None
    service: ServiceType | None = None
    host: Hostname | None = None
    metric: MetricName | None = None


class AppliedStatus(Selection):
    """A status that stood meanwhile, at the most specific level named: metric, host, service, site."""

    state: Literal["OK", "WARNING", "UNKNOWN", "MISSING", "CRITICAL", "DOWNTIME", "EXCLUDED"]

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.site or self.service or self.host or self.metric):
            message = "give at least one of site, service, host, metric"
            raise ValueError(message)
        return self


class ExcludedMetric(Selection):
    """A metric that does not count meanwhile."""

    metric: MetricName


class MonitoringSource(Strict):
    """Results of one monitoring host (a Probe, by namespace and name) that do not count."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    start: Instant
    end: Instant
    """Included."""


class Requester(Strict):
    """Who asked for it."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    email: RequiredEmail | None = None


class RecomputationSpec(Spec):
    """What was measured wrongly."""

    requester: Requester
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    start: Instant
    """UTC."""
    end: Instant
    """UTC."""
    report: ShortName | None = None
    """For this Report alone; left out, for all."""
    exclude: tuple[ShortName, ...] = ()
    """Sites that are UNKNOWN meanwhile, for availability and reliability alone."""
    excludeMetrics: tuple[ExcludedMetric, ...] = ()
    """Metrics that do not count meanwhile (EXCLUDED)."""
    excludeMonitoringSources: tuple[MonitoringSource, ...] = ()
    appliedStatusChanges: tuple[AppliedStatus, ...] = ()
