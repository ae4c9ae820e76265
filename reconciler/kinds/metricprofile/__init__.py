"""MetricProfile: which checks count for which services.

A check that a profile expects and nobody runs is MISSING. Where no profile is declared, every probe of a service
counts.
"""

from reconciler.kinds.metricprofile.kind import MetricProfileKind
from reconciler.kinds.metricprofile.spec import MetricProfileSpec, ServiceMetrics

KIND = MetricProfileKind()

__all__ = ["KIND", "MetricProfileKind", "MetricProfileSpec", "ServiceMetrics"]
