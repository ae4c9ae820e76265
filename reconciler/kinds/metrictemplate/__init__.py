"""MetricTemplate: how one metric is measured wherever it is expected, as ARGO's POEM keeps it.

Written once; a Probe with `template`, or one for a whole MetricProfile, runs it at every service, with the values that
the service, the probe and the operator give. Registered (`registry:metrictemplates`).
"""

from reconciler.kinds.metrictemplate.command import Command, Secret, command
from reconciler.kinds.metrictemplate.kind import MetricTemplateKind
from reconciler.kinds.metrictemplate.spec import Config, MetricTemplateSpec, Option
from reconciler.kinds.metrictemplate.values import DEFAULT_PORTS, Lacking, Place, Surroundings

KIND = MetricTemplateKind()

__all__ = [
    "DEFAULT_PORTS",
    "KIND",
    "Command",
    "Config",
    "Lacking",
    "MetricTemplateKind",
    "MetricTemplateSpec",
    "Option",
    "Place",
    "Secret",
    "Surroundings",
    "command",
]
