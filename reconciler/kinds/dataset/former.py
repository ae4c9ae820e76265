"""A dataset whose resource was given another name in git, without a word: its copies carry the marks of the former one.

Nobody but git can say that the two are one. Until it does, the copies are another's, and every plan says what to write.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from reconciler.kinds.base import Fault, Federation
from reconciler.kinds.dataset.brought import holds
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.world import World
from reconciler.model import Ref


class Former:
    """Remembers which datasets were applied and are not declared any more, for the federation looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._federation: Federation | None = None
        self._gone: Mapping[str, Ref] = {}

    def fault(self, ref: Ref, spec: DatasetSpec, federation: Federation, world: World) -> Fault | None:
        """What is odd about a dataset that is new, and whose copies are there already; None when nothing is."""
        if world.applied(ref) is not None:
            return None
        former = self._look(federation, world).get(spec.dataset)
        if former is None or not holds(former, spec.dataset, federation, world):
            return None
        said = f"{spec.dataset} was {former}, whose copies carry the marks of that name"
        if former.namespace != ref.namespace:
            return Fault("metadata.namespace", said, f"keep it in {former.namespace}")
        return Fault("metadata.name", said, f"if it is the same, say so: lifecycle: {{moved: {former.name}}}")

    def _look(self, federation: Federation, world: World) -> Mapping[str, Ref]:
        with self._lock:
            if federation is not self._federation:
                refs = (ref for ref in world.known if ref.startswith("Dataset/") and federation.get(ref) is None)
                found = ((ref, world.applied(ref)) for ref in sorted(refs))
                self._gone = {spec.dataset: ref for ref, spec in found if isinstance(spec, DatasetSpec)}
                self._federation = federation
            return self._gone
