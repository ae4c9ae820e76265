"""Allocations: what a VO was promised at a site, for how long, and how well.

An allocation names its site without waiting for it: the edge runs from Site to VO (a share needs its VO), and edges
both ways would be a cycle. Whether the site exists is checked over the whole federation by ``unknown_sites``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Fault
from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.when import Day
from reconciler.model import Ref, Resource, Strict
from reconciler.nearest import meant

Amount = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Allocation(Strict):
    """What one site grants for a period."""

    site: ShortName
    """Name of the Site."""
    vcpus: Amount | None = None
    ramGiB: Amount | None = None
    instances: Amount | None = None
    storageGiB: Amount | None = None
    """Volumes of its project, and apart from them files that its rules hold at the site's storages."""
    coreHours: Amount | None = None
    """For the whole period; without a first day, for each month."""
    start: Day | None = None
    """First day."""
    end: Day | None = None
    """Last day."""
    availabilityTarget: Percent | None = None
    """Percent of the month."""
    reliabilityTarget: Percent | None = None
    """Percent of the month, scheduled downtimes left out."""


def unknown_sites(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Fault]]:
    """A Fault for each allocation at a site that nobody declares."""
    sites = [ref.name for ref in resources if ref.kind == "Site"]
    known = frozenset(sites)
    for ref, resource in resources.items():
        if ref.kind != "VO":
            continue
        for n, allocation in enumerate(resource.spec.allocations):
            if allocation.site not in known:
                cure = meant(allocation.site, sites, "declare the site, or remove the allocation")
                yield ref, Fault(f"spec.allocations[{n}].site", f"no Site is called {allocation.site}", cure)
