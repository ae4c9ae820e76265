r"""DatasetRule: so many copies of some data, at storages that an expression describes.

A rule names a Dataset, or a container of them, and chooses storages by a location expression; it is ready when its
data is there. A copy is one Replica, however many rules hold it. What was chosen is kept as long as it fits; data that
is there already comes first. Nothing lets go of a copy before its successor is there.

An expression joins conditions, left to right, by `&` (both), `|` (either) and `\` (without), as in
`country=ES & tier<=2`. A word alone is an attribute that is true, or the name of a site or storage; `*` is every
storage. `hanse locations` says what an expression describes, and why.
"""

from reconciler.kinds.datasetrule.kind import DatasetRuleKind
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec

KIND = DatasetRuleKind()

__all__ = ["KIND", "DatasetRuleKind", "DatasetRuleSpec"]
