"""Where a cluster may go: every cloud that the federation declares, with what speaks for it and against it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.kinds.base import Candidate, Federation, OpenChoice
from reconciler.kinds.virtualcluster.near import data_at
from reconciler.kinds.virtualcluster.objections import FAILED, GPUS, lasting, passing, unfit
from reconciler.kinds.virtualcluster.places import Place, places
from reconciler.kinds.virtualcluster.room import demand
from reconciler.kinds.virtualcluster.score import Judged, scored
from reconciler.kinds.virtualcluster.spec import AUTO, VirtualClusterSpec
from reconciler.kinds.world import Demand, Offer, World
from reconciler.model import Ref

__all__ = ["GPUS", "open_choices"]


def open_choices(ref: Ref, spec: VirtualClusterSpec, federation: Federation, world: World) -> Sequence[OpenChoice]:
    """Site and cloud for ``site: auto``; the cloud where only the site is named."""
    if spec.site != AUTO and spec.cloud is not None:
        return ()
    near = spec.requirements.near if spec.requirements else None
    held = data_at(federation, ref, near, world)
    judged = [_judged(ref, spec, place, federation, world) for place in places(spec, federation)]
    judged = _alone(judged) if spec.site != AUTO else judged
    fitting = [replace(one, near=held[one.place.site_name]) if held else one for one in judged if not one.why_not]
    scores = scored(spec, fitting, federation, world)
    candidates = tuple(_candidate(one, scores) for one in judged)
    return (OpenChoice("site" if spec.site == AUTO else "cloud", candidates),)


def _judged(ref: Ref, spec: VirtualClusterSpec, place: Place, federation: Federation, world: World) -> Judged:
    offer = world.offer(place.target)
    known = offer if isinstance(offer, Offer) else None
    has_gpus = known is not None and any(size.gpus for size in known.sizes)
    why_not = next(lasting(ref, spec, place, federation, world.now, need_gpus=not has_gpus), "")
    if why_not:
        return Judged(place, Demand(), why_not)
    asked = demand(spec, place.target, known, _there(ref, place, world))
    anew = next(passing(ref, spec, place, federation, world), "") or next(
        unfit(spec, place, federation, offer, asked), ""
    )
    return Judged(place, asked, "", anew, evicts=anew.startswith(FAILED), offer=known)


def _there(ref: Ref, place: Place, world: World) -> VirtualClusterSpec | None:
    """What stands of the cluster at this place."""
    seen = world.stands(ref)
    if not isinstance(seen, VirtualClusterSpec) or (seen.site, seen.cloud) != (place.site_name, place.cloud.name):
        return None
    return seen


def _alone(judged: Sequence[Judged]) -> list[Judged]:
    """Of a named site's clouds the only possible one is taken: what it lacks stops the plan, not the choice."""
    possible = [one for one in judged if not one.why_not]
    only = possible[0] if len(possible) == 1 else None
    return [replace(one, anew="", evicts=False) if one is only else one for one in judged]


def _candidate(one: Judged, scores: Mapping[str, Candidate]) -> Candidate:
    if one.why_not or one.evicts:
        return Candidate(one.place.name, one.why_not or one.anew)
    return replace(scores[one.place.name], why_not_anew=one.anew, takes=one.demand.takes)
