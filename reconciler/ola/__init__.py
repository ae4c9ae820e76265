"""Agreements: what sites, core services and VOs were promised, month by month, and what becomes of what was missed.

Availability comes from the rows that ``hanse report availability`` keeps, usage from the records of accounting; both
are only read. An evaluation is a value; ticket drafts are made from it, and go nowhere by themselves.
"""

from reconciler.ola.clock import later, worked
from reconciler.ola.drafts import Alarm, Draft, alarm_drafts, drafts
from reconciler.ola.escalation import Step, standing
from reconciler.ola.evaluate import MISSES, evaluated
from reconciler.ola.months import month_before, month_days, stored
from reconciler.ola.nouns import Evaluation, Finding, Measured, Promise, Subject, Use
from reconciler.ola.promises import core_services, granted, promises

__all__ = [
    "MISSES",
    "Alarm",
    "Draft",
    "Evaluation",
    "Finding",
    "Measured",
    "Promise",
    "Step",
    "Subject",
    "Use",
    "alarm_drafts",
    "core_services",
    "drafts",
    "evaluated",
    "granted",
    "later",
    "month_before",
    "month_days",
    "promises",
    "standing",
    "stored",
    "worked",
]
