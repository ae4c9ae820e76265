"""Report: which sites and services availability is computed of, by which profiles, and what is expected of them.

Filters are ARGO's. Where none is declared, there is *Default*: every site with monitored services. *Critical* is there
too: EGI's, of certified production sites.
"""

from reconciler.kinds.report.builtin import BUILTIN
from reconciler.kinds.report.kind import ReportKind
from reconciler.kinds.report.spec import Agreement, ReportSpec, Targets

KIND = ReportKind()

__all__ = ["BUILTIN", "KIND", "Agreement", "ReportKind", "ReportSpec", "Targets"]
