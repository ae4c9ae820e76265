r"""DatasetRule: so many copies of some data, at storages that an expression describes.

A rule chooses storages by a location expression and brings a Replica along for each of them; it is ready when all are.
The files are given here, or come from a Replica of the same dataset that is declared by hand. What was chosen is kept
as long as it fits.

An expression joins conditions, left to right, by `&` (both), `|` (either) and `\` (without), as in
`country=ES & tier<=2`. A word alone is an attribute that is true, or the name of a site or storage; `*` is every
storage.
"""

from reconciler.kinds.datasetrule.kind import DatasetRuleKind
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec

KIND = DatasetRuleKind()

__all__ = ["KIND", "DatasetRuleKind", "DatasetRuleSpec"]
