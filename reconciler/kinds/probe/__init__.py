"""Probe: a check run again and again against a service, a cluster, a name or a URL.

Kept in the register (`registry:probes`), and run by `hanse run` when due: a Monitoring Plugin from the operator's
allow-list, without a shell, with a time-out of its own. It waits for what it looks at. A bad result counts (is *hard*)
once it has come `attempts` times in a row.
"""

from reconciler.kinds.probe.checks import Checks, Looked
from reconciler.kinds.probe.kind import ProbeKind, looked_at
from reconciler.kinds.probe.rules import unknown_services
from reconciler.kinds.probe.services import Check, Operator, Topology, checks_of, commanded, effective
from reconciler.kinds.probe.spec import ProbeSpec, ProbeTarget, SiteService
from reconciler.kinds.probe.target import Unfilled, arguments
from reconciler.kinds.probe.thresholds import Limits, graded, parse_range

KIND = ProbeKind()

__all__ = [
    "KIND",
    "Check",
    "Checks",
    "Limits",
    "Looked",
    "Operator",
    "ProbeKind",
    "ProbeSpec",
    "ProbeTarget",
    "SiteService",
    "Topology",
    "Unfilled",
    "arguments",
    "checks_of",
    "commanded",
    "effective",
    "graded",
    "looked_at",
    "parse_range",
    "unknown_services",
]
