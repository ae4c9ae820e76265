"""Availability of what is declared, from what probes said: kept day by day, reported by month, explained by result.

Topology and profiles of a day are those of the commit that was current at its start; recomputations and downtimes are
those known now, because they are told afterwards.
"""

from reconciler.uptime.days import Asked, Computed, Skipped, brought_up
from reconciler.uptime.declared import Declaration, declaration, report_named
from reconciler.uptime.explained import Explained, explained
from reconciler.uptime.outages import Outages
from reconciler.uptime.summary import NgiRow, SummaryRow, ngis, summaries

__all__ = [
    "Asked",
    "Computed",
    "Declaration",
    "Explained",
    "NgiRow",
    "Outages",
    "Skipped",
    "SummaryRow",
    "brought_up",
    "declaration",
    "explained",
    "ngis",
    "report_named",
    "summaries",
]
