"""Availability and reliability of a day, as ARGO computes them: from results of checks to timelines to numbers. Pure.

Times are seconds of one UTC day, 0 to 86,400. A status is a word; which words there are, and how two of them make one,
is said by truth tables. What ARGO does in ways that may surprise is an option of ``Quirks``.
"""

from reconciler.availability.day import Day, Inputs, Item, computed
from reconciler.availability.downtime import Downtime
from reconciler.availability.lost import Loss, losses
from reconciler.availability.numbers import Numbers, numbers
from reconciler.availability.profiles import AggregationProfile, Function, MetricProfile
from reconciler.availability.quirks import ARGO, Quirks
from reconciler.availability.recomputation import Excluded, Recomputation, Selector, StatusChange
from reconciler.availability.rollup import Mean, mean, supergroup, supergroup_mean
from reconciler.availability.samples import Sample, Series
from reconciler.availability.states import EGI, Operations
from reconciler.availability.thresholds import ThresholdRule, Thresholds
from reconciler.availability.timeline import DAY, Timeline
from reconciler.availability.topology import Endpoint, Filter, Group, filtered
from reconciler.availability.trends import Trend, trends

__all__ = [
    "ARGO",
    "DAY",
    "EGI",
    "AggregationProfile",
    "Day",
    "Downtime",
    "Endpoint",
    "Excluded",
    "Filter",
    "Function",
    "Group",
    "Inputs",
    "Item",
    "Loss",
    "Mean",
    "MetricProfile",
    "Numbers",
    "Operations",
    "Quirks",
    "Recomputation",
    "Sample",
    "Selector",
    "Series",
    "StatusChange",
    "ThresholdRule",
    "Thresholds",
    "Timeline",
    "Trend",
    "computed",
    "filtered",
    "losses",
    "mean",
    "numbers",
    "supergroup",
    "supergroup_mean",
    "trends",
]
