"""Recomputation: what was measured wrongly, and what shall stand in its place. The review of its commit approves it.

Availability of the days that it touches is computed anew, and carries its name. A status change acts at the most
specific level that it names: metric, host, service, site.
"""

from reconciler.kinds.recomputation.kind import RecomputationKind
from reconciler.kinds.recomputation.spec import RecomputationSpec, Selection

KIND = RecomputationKind()

__all__ = ["KIND", "RecomputationKind", "RecomputationSpec", "Selection"]
