"""What a cluster takes: by its manifest at least, and in flavours of a cloud exactly. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster.connect import target_id
from reconciler.kinds.virtualcluster.machines import size_for
from reconciler.kinds.virtualcluster.nodes import wanted_count
from reconciler.kinds.virtualcluster.spec import Machine, VirtualClusterSpec, WorkerGroup
from reconciler.kinds.world import Demand, Need, Offer
from reconciler.model import Unknown

_MIB_PER_GIB = 1024


def smallest(spec: VirtualClusterSpec) -> Iterator[tuple[Machine, int]]:
    """Every machine of the smallest permitted cluster, with how many there are."""
    yield spec.frontend, 1
    for group in _here(spec):
        yield group, wanted_count(group, 0)


def _here(spec: VirtualClusterSpec) -> tuple[WorkerGroup, ...]:
    """The groups that are at the cluster's own site: what others take is their cloud's affair."""
    return tuple(group for group in spec.workers if group.site in (None, spec.site))


def needs_of(spec: VirtualClusterSpec) -> dict[str, int]:
    """What the smallest permitted cluster takes at least, in the terms of allocations."""
    groups = list(smallest(spec))
    ram = sum(machine.ramMiB * n for machine, n in groups)
    return {
        "instances": sum(n for _, n in groups),
        "vcpus": sum(machine.cpus * n for machine, n in groups),
        "ramGiB": -(-ram // _MIB_PER_GIB),
    }


def missing(spec: VirtualClusterSpec, there: VirtualClusterSpec | None) -> Iterator[tuple[Machine, int]]:
    """The machines that are yet to be made, beside those that are there in any state."""
    standing = there.frontend.count + there.frontend.unready if there else 0
    yield spec.frontend, max(0, 1 - standing)
    for group in spec.workers:  # those of other sites too: whoever counts machines counts all
        held = there.group(group.name) if there else None
        number = _number(held) + held.unready if held else 0
        yield group, max(0, _wanted(group, number) - number)


def lost(spec: VirtualClusterSpec, there: VirtualClusterSpec) -> tuple[int, int]:
    """(machines that are missing or do not serve, all that there shall be)."""
    groups = [there.group(group.name) for group in spec.workers]
    unready = there.frontend.unready + sum(group.unready for group in groups if group)
    whole = 1 + sum(_wanted(group, _number(there.group(group.name) or group)) for group in spec.workers)
    return unready + sum(number for _, number in missing(spec, there)), whole


def _wanted(group: WorkerGroup, there: int) -> int:
    return len(group.nodes) if group.nodes is not None else wanted_count(group, there)


def _number(group: WorkerGroup) -> int:
    """A group that is as wanted, somewhere between its bounds, is shown without a number: it has its least."""
    if group.nodes is not None:
        return len(group.nodes)
    return group.count if group.count is not None else group.min or 0


def demand(
    spec: VirtualClusterSpec, target: str, offer: Offer | None, there: VirtualClusterSpec | None = None
) -> Demand:
    """What making the cluster so takes of its cloud: in its flavours, or where they are not known by the manifest."""
    if spec.frontend.count != 1:
        return Demand()
    return _demand(missing(spec.model_copy(update={"workers": _here(spec)}), there), target, offer)


def demand_elsewhere(
    spec: VirtualClusterSpec, offer_at: Callable[[str], Offer | Unknown], there: VirtualClusterSpec | None = None
) -> Iterator[tuple[str, Demand]]:
    """(site/cloud, what is taken there) for every group that names another site and its cloud."""
    machines = [(group, number) for group, number in missing(spec, there) if isinstance(group, WorkerGroup)]
    for place, target in elsewhere(spec):
        offer = offer_at(target)
        due = [(group, number) for group, number in machines if f"{group.site}/{group.cloud}" == place]
        yield place, _demand(due, target, offer if isinstance(offer, Offer) else None)


def elsewhere(spec: VirtualClusterSpec) -> list[tuple[str, str]]:
    """(site/cloud, target id) of groups that name both, and are not at the cluster's own cloud."""
    own = (spec.site, spec.cloud)
    named = {(g.site, g.cloud) for g in spec.workers if g.site and g.cloud and (g.site, g.cloud) != own}
    return [(f"{site}/{cloud}", target_id(site, cloud, spec.vo)) for site, cloud in sorted(named) if site and cloud]


def together(own: Demand, others: Iterable[tuple[str, Demand]]) -> Demand:
    """What a cluster takes in all."""
    for place, more in others:
        said = "; ".join(filter(None, [own.said, f"{place}: {more.said}" if more.said else ""]))
        why_not = own.why_not or (f"{place}: {more.why_not}" if more.why_not else "")
        priced = [one.price for one in (own, more) if one.takes]
        price = sum(one for one in priced if one is not None) if priced and None not in priced else None
        own = Demand({**own.takes, **more.takes}, said, why_not, price)
    return own


def _demand(machines: Iterable[tuple[Machine, int]], target: str, offer: Offer | None) -> Demand:
    taken, flavours, price = Need(), Counter[str](), 0.0
    priced = offer is not None
    for machine, number in machines:
        if not number:
            continue
        if offer is None:
            taken += Need(number, number * machine.cpus, number * machine.ramMiB)
            continue
        try:
            size = size_for(machine, offer.sizes)
        except Terminal as error:
            return Demand(why_not=str(error))
        taken += Need(number, number * size.cpus, number * size.ram_mib)
        flavours[size.name] += number
        priced, price = priced and size.price is not None, price + number * (size.price or 0.0)
    return Demand(
        {target: taken} if taken else {},
        _said(flavours, price if priced else None),
        "",
        price if priced and taken else None,
    )


def _said(flavours: Counter[str], price: float | None) -> str:
    """``2 x m1.large, 1 x m1.small, the cheapest that fit``."""
    if not flavours:
        return ""
    listed = ", ".join(f"{number} x {name}" for name, number in sorted(flavours.items()))
    cost = f", {price:g} an hour" if price else ""
    return f"{listed}, the cheapest that {'fits' if len(flavours) == 1 else 'fit'}{cost}"
