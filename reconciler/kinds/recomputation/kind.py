"""How a recomputation behaves: it is registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.recomputation.spec import RecomputationSpec
from reconciler.kinds.registered import Registered
from reconciler.model import Ref


def _times(_ref: Ref, spec: RecomputationSpec) -> Iterator[Fault]:
    if spec.end <= spec.start:
        yield Fault("spec.end", f"{spec.end:%Y-%m-%dT%H:%MZ} is not after the start")
    for n, one in enumerate(spec.excludeMonitoringSources):
        if one.end < one.start:
            yield Fault(f"spec.excludeMonitoringSources[{n}].end", f"{one.end:%Y-%m-%dT%H:%MZ} is before the start")


def _something(_ref: Ref, spec: RecomputationSpec) -> Iterator[Fault]:
    if not (spec.exclude or spec.excludeMetrics or spec.excludeMonitoringSources or spec.appliedStatusChanges):
        cure = "give exclude, excludeMetrics, excludeMonitoringSources or appliedStatusChanges"
        yield Fault("spec", "it changes nothing", cure)


class RecomputationKind(Registered[RecomputationSpec]):
    """What was measured wrongly."""

    name = "Recomputation"
    plural = "recomputations"
    Spec = RecomputationSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("recomputation-times", "A recomputation ends after it starts.", _times),
        Rule("recomputation-empty", "A recomputation changes something.", _something),
    )
