"""How data stands after a run: replicas, the locks of rules, the rules themselves, and what scans have found.

``Data.settle`` writes all of it in one transaction; the rest reads it.
"""

from reconciler.records.data.access import Data
from reconciler.records.data.nouns import ReplicaStanding, RuleStanding, Settling

__all__ = ["Data", "ReplicaStanding", "RuleStanding", "Settling"]
