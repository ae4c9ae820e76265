"""What a metric profile is: metrics by service type, as ARGO's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import ServiceType
from reconciler.model import Spec, Strict

MetricName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]
"""A metric: the label ``metric`` of a Probe, or else its name with its namespace (``tides/keystone``)."""


class ServiceMetrics(Strict):
    """The metrics of one service type."""

    service: ServiceType
    """Service type: ``org.openstack.nova``."""
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)]
    """What is expected of every such service of a report."""


class MetricProfileSpec(Spec):
    """Metrics by service type."""

    description: Annotated[str, Field(max_length=1000)] = ""
    services: Annotated[tuple[ServiceMetrics, ...], Field(min_length=1)]
