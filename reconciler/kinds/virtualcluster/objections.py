"""What speaks against a place: for good (manifests say so), or only against choosing it now (the world says so)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.kinds.base import Federation
from reconciler.kinds.virtualcluster.places import Place
from reconciler.kinds.virtualcluster.room import needs_of
from reconciler.kinds.virtualcluster.sites import VO, Allocation, Site, checked_of, vo_of, withdrawn
from reconciler.kinds.virtualcluster.spec import Requirements, VirtualClusterSpec
from reconciler.kinds.world import LONG_AGO, Demand, Offer, World
from reconciler.model import Ref, Unknown

GPUS = "Accelerator.Number"
"""Extension property of a site: how many accelerators its clouds have (EGI, with a dot for the colon)."""
FAILED = "failed here"
_MEASURED_DAYS = 1.0
"""Less than so much measured time says nothing about availability."""
_DAY = 86_400.0


def lasting(
    ref: Ref, spec: VirtualClusterSpec, place: Place, federation: Federation, now: datetime, *, need_gpus: bool = True
) -> Iterator[str]:
    """Every reason for which a cluster can neither go to a place nor stay there, the plainest first."""
    del ref
    wanted, vo = spec.requirements or Requirements(), vo_of(federation, spec.vo)
    yield from _barred(place, wanted)
    if not place.cloud.shares_of(spec.vo):
        yield f"does not serve the VO {spec.vo}"
    yield from _lacking(place.site, wanted, need_gpus=need_gpus)
    yield from _without_images(place, spec, vo)
    allocation = allocation_at(vo, place.site_name, now)
    yield from _out_of_date(allocation, now)
    yield from _too_small(allocation, spec, wanted)


def _barred(place: Place, wanted: Requirements) -> Iterator[str]:
    site = place.site
    if place.site_name in wanted.excludeSites:
        yield "excluded"
    if wanted.countries and site.country not in wanted.countries:
        yield f"in {site.country or 'no stated country'}, wanted {', '.join(wanted.countries)}"
    if site.certification not in (None, "Certified"):
        yield f"not certified: {site.certification}"
    if site.infrastructure not in (None, "Production"):
        yield f"not in production: {site.infrastructure}"
    if site.integration == "data-sharing":
        yield "shares only data"


def _lacking(site: Site, wanted: Requirements, *, need_gpus: bool) -> Iterator[str]:
    properties = {(extension.key, extension.value) for extension in site.extensions}
    for key, value in sorted(wanted.labels.items()):
        if (key, value) not in properties:
            said = sorted(v for k, v in properties if k == key)
            yield f"{key} is {', '.join(said)}, wanted {value}" if said else f"does not say {key}"
    if wanted.gpus:
        numbers = [int(v) for k, v in properties if k == GPUS and v.isdecimal()]
        if not numbers and need_gpus:
            yield f"does not say how many GPUs it has (extension {GPUS})"
        elif numbers and sum(numbers) < wanted.gpus:
            yield f"has {sum(numbers)} GPUs, wanted {wanted.gpus}"


def _without_images(place: Place, spec: VirtualClusterSpec, vo: VO | None) -> Iterator[str]:
    if not (spec.requirements and spec.requirements.imagePresent):
        return
    if not place.cloud.imageSync:
        yield "does not synchronise images"
    for image in sorted(images_of(spec) - listed(vo)):
        yield f"the VO does not list the image {image}"


def images_of(spec: VirtualClusterSpec) -> set[str]:
    """Every image that the cluster uses, by the name its manifest gives."""
    return {spec.frontend.image, *(group.image for group in spec.workers)}


def listed(vo: VO | None) -> set[str]:
    """Images that the VO wants at its sites."""
    return {image.name for image in vo.images} if vo else set()


def allocation_at(vo: VO | None, site: str, now: datetime) -> Allocation | None:
    """What the VO was promised at a site: the grant of today, or else any."""
    held = [a for a in (vo.allocations if vo else ()) if a.site == site]
    return next((a for a in held if not any(_out_of_date(a, now))), held[0] if held else None)


def _out_of_date(allocation: Allocation | None, now: datetime) -> Iterator[str]:
    if allocation is None or now == LONG_AGO:
        return
    if allocation.start is not None and allocation.start > now.date():
        yield f"the VO's allocation there begins on {allocation.start}"
    if allocation.end is not None and allocation.end < now.date():
        yield f"the VO's allocation there ended on {allocation.end}"


def _too_small(allocation: Allocation | None, spec: VirtualClusterSpec, wanted: Requirements) -> Iterator[str]:
    """What the VO was promised there is less than the cluster needs, or than is asked for."""
    asked = {"instances": wanted.instances, "vcpus": wanted.cpus, "ramGiB": wanted.ramGiB}
    for field, need in needs_of(spec).items():
        promised = getattr(allocation, field) if allocation else None
        least = max(need, asked[field] or 0)
        if promised is None and asked[field]:
            yield f"the VO's {field} there are not stated, {least} needed"
        elif promised is not None and promised < least:
            yield f"the VO has {promised} {field} there, {least} needed"


def passing(ref: Ref, spec: VirtualClusterSpec, place: Place, federation: Federation, world: World) -> Iterator[str]:
    """Every reason against choosing a place now that does not rest on what its cloud offers."""
    if place.target in world.held:
        yield world.held[place.target]
    yield from _tried(ref, place, world)
    if down := world.down(place.site_name, place.site.services_at(place.cloud.endpoint)):
        yield down
    vo = vo_of(federation, spec.vo)
    allocation = allocation_at(vo, place.site_name, world.now)
    yield from _unavailable(place, allocation, federation, world)
    yield from _against_terms(ref, spec, place, allocation, federation)
    yield from _used_up(ref, spec, place, allocation, federation)


def _tried(ref: Ref, place: Place, world: World) -> Iterator[str]:
    """It failed here not long ago, or at so many places that enough is enough."""
    since = world.now - world.policy.retry if world.now != LONG_AGO else world.now
    late = [failure for failure in world.failures.get(ref, ()) if failure.at > since]
    here = [failure for failure in late if failure.target == place.target]
    tried = {failure.target for failure in late}
    if here:
        again = here[-1].at + world.policy.retry
        yield f"{FAILED} at {here[-1].at:%Y-%m-%d %H:%M}: {here[-1].message} (again after {again:%Y-%m-%d %H:%M})"
    elif len(tried) >= world.policy.sites:
        again = min(max(f.at for f in late if f.target == target) for target in tried) + world.policy.retry
        yield f"not tried: {len(tried)} places failed, as many as may be tried (again after {again:%Y-%m-%d %H:%M})"


def _unavailable(place: Place, allocation: Allocation | None, federation: Federation, world: World) -> Iterator[str]:
    target = allocation.availabilityTarget if allocation else None
    least = world.policy.availability if target is None else target / 100
    found = availability(place, federation, world)
    if found is not None and found < least:
        yield f"was available for {found:.1%} of the time, {least:.1%} wanted"


def availability(place: Place, federation: Federation, world: World) -> float | None:
    """The site's, as reports have it, or else the worst of its probed services; None without long enough measuring."""
    if place.site_name in world.uptime:
        return world.uptime[place.site_name]
    known = checked_of(federation, world.probes, place.site_name)
    seen = [world.probes[probe] for probe, _ in known if probe in world.probes]
    counted = [s.availability for s in seen if s.measured.total_seconds() >= _MEASURED_DAYS * _DAY]
    return min((share for share in counted if share is not None), default=None)


def _against_terms(
    ref: Ref, spec: VirtualClusterSpec, place: Place, allocation: Allocation | None, federation: Federation
) -> Iterator[str]:
    """What the site itself says: what stands there stays, and no plan does more there."""
    limits = place.site.limits
    if limits is None:
        return
    if said := limits.objection("VirtualCluster"):
        yield said
    if limits.allocationsRequired and allocation is None:
        yield "the site gives nothing without an allocation (spec.limits.allocationsRequired)"
    own = next((one for one in limits.vos if one.vo == spec.vo), None)
    for field, need in needs_of(spec).items():
        share = getattr(own, field) if own else None
        each = getattr(limits.perVO, field) if share is None else share
        for whose, most in ((spec.vo, each), ("", getattr(limits.total, field))):
            taken = sum(needs_of(c)[field] for c in _clusters(ref, whose, place.site_name, federation))
            if most is not None and need + taken > most:
                who = whose or "the federation"
                yield f"the site lets {who} take {most} {field}, {taken} taken, {need} needed"


def _used_up(
    ref: Ref, spec: VirtualClusterSpec, place: Place, allocation: Allocation | None, federation: Federation
) -> Iterator[str]:
    """What the VO was promised there has gone to its other clusters."""
    if allocation is None or allocation.vcpus is allocation.ramGiB is allocation.instances is None:
        return
    others = [needs_of(c) for c in _clusters(ref, spec.vo, place.site_name, federation)]
    for field, need in needs_of(spec).items():
        promised, taken = getattr(allocation, field), sum(other[field] for other in others)
        if promised is not None and taken and promised < need + taken:
            yield f"the VO has {promised} {field} there, {taken} taken by its other clusters, {need} needed"


def _clusters(ref: Ref, vo: str, site: str, federation: Federation) -> Iterator[VirtualClusterSpec]:
    """The other clusters at a site, of one VO, or with "" of all."""
    for other, spec in federation.of_kind("VirtualCluster"):
        ours = isinstance(spec, VirtualClusterSpec) and spec.site == site and vo in ("", spec.vo)
        if other != ref and isinstance(spec, VirtualClusterSpec) and ours:
            yield spec


def unfit(
    spec: VirtualClusterSpec, place: Place, federation: Federation, offer: Offer | Unknown, demand: Demand
) -> Iterator[str]:
    """Every reason against choosing a place that rests on what its cloud offers."""
    if isinstance(offer, Unknown):
        yield f"unknown: {offer.reason}"
        return
    if demand.why_not:
        yield demand.why_not
    there = {name for image in offer.images for name in (image.name, image.id)}
    endorsed = listed(vo_of(federation, spec.vo))
    for image in sorted(images_of(spec) & endorsed):
        if why := withdrawn(federation, image):
            yield f"the image {image} is withdrawn: {why}"
    for image in sorted(images_of(spec) - there - (endorsed if place.cloud.imageSync else set())):
        yield f"has no image {image}, and does not synchronise it"
    for need in demand.takes.values():
        if lacks := offer.lacks(need):
            yield f"quota: {lacks}"
