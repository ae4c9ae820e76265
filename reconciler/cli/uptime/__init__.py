"""Commands of availability: report availability, export argo, and what explain availability tells."""

import reconciler.cli.uptime.report
import reconciler.cli.uptime.shapes  # noqa: F401 (their commands register themselves)
from reconciler.cli.uptime.asked import ReportName, asking, bring_up
from reconciler.cli.uptime.explaining import explain_availability
from reconciler.cli.uptime.tables import percent

__all__ = ["ReportName", "asking", "bring_up", "explain_availability", "percent"]
