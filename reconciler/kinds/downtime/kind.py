"""How a downtime behaves: it is registered. What it affects is judged with the clock and with what git has said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule, Stated
from reconciler.kinds.downtime import judged
from reconciler.kinds.downtime.rules import RULES
from reconciler.kinds.downtime.spec import DowntimeSpec
from reconciler.kinds.registered import Registered
from reconciler.model import Ref, Resource


class DowntimeKind(Registered[DowntimeSpec]):
    """Services that are down, or at risk, for a time."""

    name = "Downtime"
    plural = "downtimes"
    Spec = DowntimeSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (*RULES, *judged.RULES)

    def remembers(self, resource: Resource) -> bool:  # noqa: ARG002
        return True

    def hindsight(
        self, resources: Mapping[Ref, Resource], stated: Mapping[Ref, Sequence[Stated[DowntimeSpec]]], now: datetime
    ) -> Iterable[tuple[Ref, str, Fault]]:
        return judged.faults(resources, stated, now)

    def turned(self, before: DowntimeSpec, wanted: DowntimeSpec | None, now: datetime) -> Iterable[tuple[str, Fault]]:
        return judged.turned(before, wanted, now)
