"""How places compare: a weighted mean of parts between 0 and 1, each said in words. Pure.

What is not known counts as the middle, 0.5: it speaks neither for a place nor against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.kinds.base import Candidate, Federation
from reconciler.kinds.virtualcluster.near import Near
from reconciler.kinds.virtualcluster.objections import allocation_at, availability
from reconciler.kinds.virtualcluster.places import Place
from reconciler.kinds.virtualcluster.room import needs_of
from reconciler.kinds.virtualcluster.sites import vo_of
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec
from reconciler.kinds.world import Demand, Offer, World
from reconciler.model import Past

_MIDDLE = 0.5
_LEAST_AVAILABLE = 0.9
"""Availability that is worth nothing any more."""
_LONG_BOOT = 600.0
"""Seconds until a cluster is ready that are worth half."""

Part = tuple[str, float, str]
"""(what, 0..1, in words)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A place with what is known of it."""

    place: Place
    demand: Demand
    why_not: str = ""
    """Against it for good."""
    anew: str = ""
    """Against choosing it now."""
    evicts: bool = False
    """True where ``anew`` counts against staying too: nothing came to stand there."""
    near: Near | None = None
    offer: Offer | None = None


def scored(
    spec: VirtualClusterSpec, judged: Sequence[Judged], federation: Federation, world: World
) -> Mapping[str, Candidate]:
    """Each place with its score, its parts (which add up to it) and what is to be said for it."""
    prices = [one.demand.price for one in judged if one.demand.price is not None and not one.anew]
    cheapest = min(prices, default=None)
    found = {}
    for one in judged:
        parts = [*_parts(spec, one, federation, world), *_price(one, cheapest)]
        weights = {what: getattr(world.policy.weights, what) for what, _, _ in parts}
        whole = sum(weights.values()) or 1.0
        shares = {what: weights[what] * worth / whole for what, worth, _ in parts}
        said = ", ".join(
            ["serves the VO", *(words for _, _, words in parts if words), *filter(None, [one.demand.said])]
        )
        found[one.place.name] = Candidate(one.place.name, "", sum(shares.values()), said, parts=shares)
    return found


def _parts(spec: VirtualClusterSpec, one: Judged, federation: Federation, world: World) -> Iterator[Part]:
    if one.near is not None:
        speed = world.policy.bytes_per_second
        yield "data", one.near.worth(speed), one.near.said(speed)
    yield _reliability(availability(one.place, federation, world))
    yield _room(spec, one, federation, world)
    past = world.past.get(one.place.target, Past())
    yield _success(past)
    yield _boot(past)


def _reliability(share: float | None) -> Part:
    if share is None:
        return "reliability", _MIDDLE, ""
    worth = max(0.0, (share - _LEAST_AVAILABLE) / (1 - _LEAST_AVAILABLE))
    return "reliability", worth, f"available for {share:.1%} of the time"


def _room(spec: VirtualClusterSpec, one: Judged, federation: Federation, world: World) -> Part:
    """The least share of quota and allocation that stays free."""
    free, said = [], []
    quota = _free_quota(one)
    if quota is not None:
        free.append(quota)
        if quota < 1:
            said.append(f"{quota:.0%} of the quota stays free")
    promised = _free_allocation(spec, one, federation, world)
    if promised is not None:
        free.append(promised)
        said.append(f"{promised:.0%} of the VO's allocation stays free")
    return "room", min(free, default=_MIDDLE), ", ".join(said)


def _free_quota(one: Judged) -> float | None:
    """Of what is limited, the least share that stays free; 1 where nothing is; None when it is not known."""
    if one.offer is None:
        return None
    need, quota = one.demand.takes.get(one.place.target), one.offer.quota
    shares = [1.0]
    for what in ("instances", "cpus", "ram_mib"):
        left, limit = getattr(quota, what), quota.limits.get(what)
        whole = limit.limit if limit and limit.limit else left
        if left is not None and whole:
            shares.append(max(0.0, (left - (getattr(need, what) if need else 0)) / whole))
    return min(shares)


def _free_allocation(spec: VirtualClusterSpec, one: Judged, federation: Federation, world: World) -> float | None:
    """The least share of the allocation that stays free; None when nothing is stated."""
    allocation = allocation_at(vo_of(federation, spec.vo), one.place.site_name, world.now)
    if allocation is None:
        return None
    stated = ((getattr(allocation, field), need) for field, need in needs_of(spec).items())
    return min((1 - need / promised for promised, need in stated if promised), default=None)


def _success(past: Past) -> Part:
    """Laplace's rule: one success and one failure are taken for granted."""
    tried = past.succeeded + past.failed
    said = f"{past.succeeded / tried:.0%} of the creates there went well lately" if tried else ""
    return "success", (past.succeeded + 1) / (tried + 2), said


def _boot(past: Past) -> Part:
    if past.seconds is None:
        return "boot", _MIDDLE, ""
    return "boot", _LONG_BOOT / (_LONG_BOOT + past.seconds), f"ready in {past.seconds:.0f} s on average"


def _price(one: Judged, cheapest: float | None) -> Iterator[Part]:
    """Beside the cheapest place; left out where no cloud says what it costs."""
    if cheapest is None:
        return
    price = one.demand.price
    if price is None:
        yield "price", _MIDDLE, "does not say what it costs"
    else:
        yield "price", cheapest / price if price else 1.0, ""
