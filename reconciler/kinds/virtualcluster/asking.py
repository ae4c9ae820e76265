"""What a cluster wants to know before it is placed or made: what clouds offer and have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.kinds.base import Occasion
from reconciler.kinds.virtualcluster.connect import connect, target_id
from reconciler.kinds.virtualcluster.objections import lasting
from reconciler.kinds.virtualcluster.places import Place, picked_place, places
from reconciler.kinds.virtualcluster.room import elsewhere
from reconciler.kinds.virtualcluster.spec import AUTO, VirtualClusterSpec
from reconciler.kinds.world import LONG_AGO, Offer, Question
from reconciler.model import Ref
from reconciler.ports import Drivers


def questions(ref: Ref, spec: VirtualClusterSpec, occasion: Occasion) -> Iterator[Question]:
    """The offers of every cloud where it could go; of its own cloud alone where that is decided."""
    if not (occasion.moved or any(group.elasticity for group in spec.workers)):
        return
    for target in (*_targets(ref, spec, occasion), *(target for _, target in elsewhere(spec))):
        yield Question("offer", target, connect(target, occasion.federation, occasion.drivers))


def _targets(ref: Ref, spec: VirtualClusterSpec, occasion: Occasion) -> Iterable[str]:
    if spec.site != AUTO and spec.cloud is not None:
        return [target_id(spec.site, spec.cloud, spec.vo)]
    possible = [place for place in places(spec, occasion.federation) if not _barred(ref, spec, place, occasion)]
    if occasion.whole and occasion.held:
        own = picked_place(VirtualClusterSpec.model_validate_json(occasion.held.content))
        possible = [place for place in possible if place.name == own] or possible
    return [place.target for place in possible]


def _barred(ref: Ref, spec: VirtualClusterSpec, place: Place, occasion: Occasion) -> bool:
    return next(lasting(ref, spec, place, occasion.federation, LONG_AGO), None) is not None


def offer(question: Question, drivers: Drivers, earlier: Offer | None) -> Offer:
    """What a cloud offers now; flavours and images of an earlier offer are taken as they were."""
    compute = drivers.compute(question.target)
    sizes = earlier.sizes if earlier else tuple(compute.sizes())
    images = earlier.images if earlier else tuple(compute.images())
    return Offer(sizes, images, compute.quota())
