"""How a VO behaves: it is registered and needs nothing; sites that support it wait for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.vo.allocation import unknown_sites
from reconciler.kinds.vo.mapped import quarrels
from reconciler.kinds.vo.rules import RULES
from reconciler.kinds.vo.spec import CLOUD_ROLE, VOSpec
from reconciler.model import Ref, Resource


class VOKind(Registered[VOSpec]):
    """A virtual organisation."""

    name = "VO"
    plural = "vos"
    Spec = VOSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        if not any(ref.startswith(("VO/", "Site/")) for ref in changed):
            return []
        sites = [(ref, "vo-allocation-site", fault) for ref, fault in unknown_sites(resources)]
        return [*sites, *quarrels(resources, CLOUD_ROLE)]
