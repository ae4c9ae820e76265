"""What a cluster takes of sites: its machines, in the flavours that they get where the cloud's are known. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster.connect import target_id
from reconciler.kinds.virtualcluster.machines import size_for
from reconciler.kinds.virtualcluster.spec import AUTO, Machine, VirtualClusterSpec, WorkerGroup
from reconciler.kinds.world import Offer, World
from reconciler.model.taken import Amounts, Taken


def taken(spec: VirtualClusterSpec, world: World) -> Iterator[Taken]:
    """What it takes at each of its sites; of elastic groups as many machines as are chosen, or else the least."""
    by_site: dict[str, Amounts] = {}
    for machine, number in _machines(spec):
        site, cloud = _place(spec, machine)
        if site != AUTO and number:
            by_site[site] = by_site.get(site, Amounts()) + _amounts(machine, number, world, site, cloud, spec.vo)
    for site in sorted(by_site):
        yield Taken(site, (spec.vo,), by_site[site])


def _machines(spec: VirtualClusterSpec) -> Iterator[tuple[Machine, int]]:
    """Every machine, those that stand and do not serve among them."""
    yield spec.frontend, spec.frontend.count + spec.frontend.unready
    for group in spec.workers:
        chosen = len(group.nodes) if group.nodes is not None else None
        number = next((n for n in (chosen, group.count, group.min) if n is not None), 0)
        yield group, number + group.unready


def _place(spec: VirtualClusterSpec, machine: Machine) -> tuple[str, str | None]:
    if isinstance(machine, WorkerGroup) and machine.site not in (None, spec.site):
        return machine.site or "", machine.cloud
    return spec.site, spec.cloud


def _amounts(machine: Machine, number: int, world: World, site: str, cloud: str | None, vo: str) -> Amounts:
    """In flavours where they are known, by the manifest where they are not."""
    offer = world.offer(target_id(site, cloud, vo)) if cloud else None
    if isinstance(offer, Offer):
        try:
            size = size_for(machine, offer.sizes)
        except Terminal:
            pass  # the plan says so elsewhere
        else:
            return Amounts(number, number * size.cpus, number * size.ram_mib)
    return Amounts(number, number * machine.cpus, number * machine.ramMiB)
