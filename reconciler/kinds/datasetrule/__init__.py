"""DatasetRule: so many copies of some data, at storages that an expression describes."""

from reconciler.kinds.datasetrule.kind import DatasetRuleKind
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec

KIND = DatasetRuleKind()

__all__ = ["KIND", "DatasetRuleKind", "DatasetRuleSpec"]
