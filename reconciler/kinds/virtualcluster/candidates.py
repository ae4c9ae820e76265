"""Where a cluster may go: every cloud that the federation declares, with what speaks for it and against it.

Pure: only what the manifests say counts here, so that the same federation always gives the same answer. What a cloud
has free at the moment is checked when machines are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.kinds.base import Candidate, Federation, OpenChoice
from reconciler.kinds.virtualcluster.near import data_at
from reconciler.kinds.virtualcluster.sites import VO, Allocation, Cloud, Site, site_of, sites, vo_of
from reconciler.kinds.virtualcluster.spec import AUTO, Requirements, VirtualClusterSpec
from reconciler.kinds.world import World
from reconciler.model import Ref

GPUS = "Accelerator.Number"
"""Extension property of a site: how many accelerators its clouds have (EGI, with a dot for the colon)."""

_DATA_WEIGHT = 10.0
_MIB_PER_GIB = 1024


def open_choices(
    ref: Ref,
    spec: VirtualClusterSpec,
    federation: Federation,
    world: World,  # noqa: ARG001
) -> Sequence[OpenChoice]:
    """Site and cloud for ``site: auto``; the cloud where only the site is named."""
    if spec.site != AUTO and spec.cloud is not None:
        return ()
    vo = vo_of(federation, spec.vo)
    if spec.site == AUTO:
        held = data_at(federation, ref, spec.requirements.near) if spec.requirements else {}
        found = (
            _candidate(f"{name}/{cloud.name}", name, site, cloud, spec, vo, held.get(name, 0.0))
            for name, site in sites(federation)
            for cloud in site.clouds
        )
        return (OpenChoice("site", tuple(found)),)
    site = site_of(federation, spec.site)
    clouds = site.clouds if site else ()
    return (OpenChoice("cloud", tuple(Candidate(c.name, _unserved(c, spec.vo), reason=_only) for c in clouds)),)


_only = "serves the VO"


def _candidate(
    full_name: str, name: str, site: Site, cloud: Cloud, spec: VirtualClusterSpec, vo: VO | None, held: float
) -> Candidate:
    why_not = next(_objections(name, site, cloud, spec, vo), "")
    if why_not:
        return Candidate(full_name, why_not)
    allocation = _allocation(vo, name)
    room = _room(allocation, spec)
    said = ["serves the VO"]
    if held:
        said.append(f"holds {held:.0%} of the data")
    if room is not None:
        said.append(f"{room:.0%} of the VO's allocation stays free")
    return Candidate(full_name, "", _DATA_WEIGHT * held + (room or 0.0), ", ".join(said))


def _objections(name: str, site: Site, cloud: Cloud, spec: VirtualClusterSpec, vo: VO | None) -> Iterator[str]:
    """Every reason against a cloud, the plainest first."""
    wanted = spec.requirements or Requirements()
    yield from _barred(name, site, wanted)
    yield from filter(None, [_unserved(cloud, spec.vo)])
    yield from _lacking(site, wanted)
    yield from _without_images(cloud, spec, vo)
    yield from _too_small(_allocation(vo, name), spec, wanted)


def _barred(name: str, site: Site, wanted: Requirements) -> Iterator[str]:
    if name in wanted.excludeSites:
        yield "excluded"
    if wanted.countries and site.country not in wanted.countries:
        yield f"in {site.country or 'no stated country'}, wanted {', '.join(wanted.countries)}"
    if site.certification not in (None, "Certified"):
        yield f"not certified: {site.certification}"
    if site.infrastructure not in (None, "Production"):
        yield f"not in production: {site.infrastructure}"
    if site.integration == "data-sharing":
        yield "shares only data"


def _unserved(cloud: Cloud, vo: str) -> str:
    return "" if cloud.shares_of(vo) else f"does not serve the VO {vo}"


def _lacking(site: Site, wanted: Requirements) -> Iterator[str]:
    properties = {(extension.key, extension.value) for extension in site.extensions}
    for key, value in sorted(wanted.labels.items()):
        if (key, value) not in properties:
            said = sorted(v for k, v in properties if k == key)
            yield f"{key} is {', '.join(said)}, wanted {value}" if said else f"does not say {key}"
    if wanted.gpus:
        numbers = [int(v) for k, v in properties if k == GPUS and v.isdecimal()]
        if not numbers:
            yield f"does not say how many GPUs it has (extension {GPUS})"
        elif sum(numbers) < wanted.gpus:
            yield f"has {sum(numbers)} GPUs, wanted {wanted.gpus}"


def _without_images(cloud: Cloud, spec: VirtualClusterSpec, vo: VO | None) -> Iterator[str]:
    if not (spec.requirements and spec.requirements.imagePresent):
        return
    if not cloud.imageSync:
        yield "does not synchronise images"
    listed = {image.name for image in vo.images} if vo else set()
    for image in sorted({spec.frontend.image, *(group.image for group in spec.workers)} - listed):
        yield f"the VO does not list the image {image}"


def _too_small(allocation: Allocation | None, spec: VirtualClusterSpec, wanted: Requirements) -> Iterator[str]:
    """What the VO was promised there is less than the cluster needs, or than is asked for."""
    asked = {"instances": wanted.instances, "vcpus": wanted.cpus, "ramGiB": wanted.ramGiB}
    for field, need in _needs(spec).items():
        promised = getattr(allocation, field) if allocation else None
        least = max(need, asked[field] or 0)
        if promised is None and asked[field]:
            yield f"the VO's {field} there are not stated, {least} needed"
        elif promised is not None and promised < least:
            yield f"the VO has {promised} {field} there, {least} needed"


def _needs(spec: VirtualClusterSpec) -> dict[str, int]:
    """What the smallest permitted cluster takes."""
    groups = [(spec.frontend, 1), *((g, g.count if g.count is not None else g.min or 0) for g in spec.workers)]
    ram = sum(machine.ramMiB * n for machine, n in groups)
    return {
        "instances": sum(n for _, n in groups),
        "vcpus": sum(machine.cpus * n for machine, n in groups),
        "ramGiB": -(-ram // _MIB_PER_GIB),
    }


def _room(allocation: Allocation | None, spec: VirtualClusterSpec) -> float | None:
    """The least share of the allocation that stays free; None when nothing is stated."""
    if allocation is None:
        return None
    stated = ((getattr(allocation, field), need) for field, need in _needs(spec).items())
    return min((1 - need / promised for promised, need in stated if promised), default=None)


def _allocation(vo: VO | None, site: str) -> Allocation | None:
    held: Iterable[Allocation] = vo.allocations if vo else ()
    return next((a for a in held if a.site == site), None)
