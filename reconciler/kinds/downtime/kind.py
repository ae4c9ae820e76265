"""How a downtime behaves: it is registered. What it affects is judged with the clock and with what git has said."""

from __future__ import annotations

from typing import ClassVar

from reconciler.kinds.base import Rule
from reconciler.kinds.downtime.rules import RULES
from reconciler.kinds.downtime.spec import DowntimeSpec
from reconciler.kinds.registered import Registered


class DowntimeKind(Registered[DowntimeSpec]):
    """Services that are down, or at risk, for a time."""

    name = "Downtime"
    plural = "downtimes"
    Spec = DowntimeSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES
