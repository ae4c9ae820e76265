"""AggregationProfile: how checks make services, services make functions, and functions make a site.

Checks of one service at one host are joined by `metricOperation`, hosts by the operation of their service type, service
types of one function by its own, functions by `profileOperation`. `AND`: the worst counts; `OR`: the best. Truth tables
of other words may be given (`operations`). Where no profile is declared, one like EGI's is used: *hanse-egi*.
"""

from reconciler.kinds.aggregationprofile.kind import AggregationProfileKind
from reconciler.kinds.aggregationprofile.profile import DEFAULT, profile_of
from reconciler.kinds.aggregationprofile.spec import AggregationProfileSpec

KIND = AggregationProfileKind()

__all__ = ["DEFAULT", "KIND", "AggregationProfileKind", "AggregationProfileSpec", "profile_of"]
