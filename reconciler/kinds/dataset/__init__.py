"""Dataset: data with a name of its own (`scope:name`), which rules keep copies of.

Its files are given here, or are whatever lies in a folder of a storage; or it is a container of other datasets. Files
are rows and never resources: a spec carries their number, their bytes, and a digest that stands for them.

A file that was known once stays wanted until `lost` names it: what vanishes at its source, or is another content there
now, is a loss to be mended from the copies, and never a reason to take the copies away.

A Dataset brings a Replica along for each storage that a DatasetRule chose for it, and for each where its files lie
already (`copies`): those count, are read from, and are never written, mended or taken away.
"""

from reconciler.kinds.dataset.kind import DatasetKind
from reconciler.kinds.dataset.spec import DataName, DatasetSpec, Scope

KIND = DatasetKind()

__all__ = ["KIND", "DataName", "DatasetKind", "DatasetSpec", "Scope"]
