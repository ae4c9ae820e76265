"""How a VO behaves: it is registered and needs nothing; sites that support it wait for it."""

from __future__ import annotations

from typing import ClassVar

from reconciler.kinds.base import Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.vo.rules import RULES
from reconciler.kinds.vo.spec import VOSpec


class VOKind(Registered[VOSpec]):
    """A virtual organisation."""

    name = "VO"
    plural = "vos"
    Spec = VOSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES
