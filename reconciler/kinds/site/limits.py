"""What a site lets the federation do there, at most. No Approval lifts it: only whoever may change this manifest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.vo.group import vo_name
from reconciler.model import Strict
from reconciler.model.taken import GIB, MIB_PER_GIB, SiteTerms

Amount = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(min_length=1)]


class AtMost(Strict):
    """The most that may be taken; what is not given is not limited."""

    instances: Amount | None = None
    """Machines."""
    vcpus: Amount | None = None
    """Cores."""
    ramGiB: Amount | None = None
    storageGiB: Amount | None = None
    """Files that replicas hold at its storages."""

    def by_name(self) -> dict[str, int]:
        """What is limited, in the terms and units of ``Amounts``."""
        said = {
            "instances": self.instances,
            "vcpus": self.vcpus,
            "ram_mib": None if self.ramGiB is None else self.ramGiB * MIB_PER_GIB,
            "storage_bytes": None if self.storageGiB is None else self.storageGiB * GIB,
        }
        return {what: amount for what, amount in said.items() if amount is not None}


class VoAtMost(AtMost):
    """The most that one VO may take, instead of what every VO may."""

    vo: Word
    """Name of the VO."""


class SiteLimits(Strict):
    """The site's own terms."""

    observeOnly: bool = False
    """Hanse looks at the site and changes nothing there."""
    deletes: bool = True
    """Whether anything that stands there may be taken away; false: clusters do not shrink there either."""
    kinds: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")], ...], Field(min_length=1)] | None = (
        None
    )
    """Kinds that may be made or changed there: ``VirtualCluster``, ``Replica``, ``SiteImage``, ``Share``."""
    total: AtMost = AtMost()
    """What all VOs together may take."""
    perVO: AtMost = AtMost()
    """What any one VO may take."""
    vos: tuple[VoAtMost, ...] = ()
    allocationsRequired: bool = False
    """A VO without an allocation in force at the site gets nothing there."""

    def terms(self, site: str) -> SiteTerms:
        """The same as a value that plans keep."""
        return SiteTerms(
            site,
            self.observeOnly,
            self.deletes,
            frozenset(self.kinds) if self.kinds else None,
            self.total.by_name(),
            self.perVO.by_name(),
            {vo_name(one.vo): one.by_name() for one in self.vos},
            self.allocationsRequired,
        )

    def objection(self, kind: str) -> str:
        """Why nothing of a kind may be made there; "" when it may."""
        if self.observeOnly:
            return "the site is observe-only: Hanse changes nothing there (spec.limits.observeOnly)"
        if self.kinds and kind not in self.kinds:
            return f"the site takes no {kind} (spec.limits.kinds: {', '.join(self.kinds)})"
        return ""
