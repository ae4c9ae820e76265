"""How an image of a project behaves: one listing shows all of a project's, and uploading never holds a worker.

What cannot change in place, and why: site, cloud and vo say which project it stands in. Found again by: the uid in its
properties, which it bears from the moment it is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from reconciler.errors import DriverError, Terminal
from reconciler.kinds.base import Federation, Kind, Rule
from reconciler.kinds.failing import failed
from reconciler.kinds.replica.transfer import Transfers
from reconciler.kinds.siteimage.awaited import awaited
from reconciler.kinds.siteimage.change import Visit, put_one, remove_one, under_way
from reconciler.kinds.siteimage.connect import connect, target_id
from reconciler.kinds.siteimage.observed import look, strays
from reconciler.kinds.siteimage.rules import RULES
from reconciler.kinds.siteimage.spec import SiteImageSpec
from reconciler.model import Answer, Change, Edge, Reading, Reason, Ref, Resource, Target, Unknown, Wanted
from reconciler.ports import Drivers


class SiteImageKind(Kind[SiteImageSpec]):
    """An image in a VO's project."""

    name = "SiteImage"
    plural = "siteimages"
    Spec = SiteImageSpec
    federation_wide: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"spec.site", "spec.cloud", "spec.vo"})
    batch: ClassVar[int] = 50
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self, transfers: Transfers | None = None) -> None:
        self._transfers = transfers or Transfers()

    def canonical(self, spec: SiteImageSpec) -> SiteImageSpec:
        """Checksums in lower case, properties in order."""
        checksum = spec.checksum.lower() if spec.checksum else None
        return spec.model_copy(update={"checksum": checksum, "properties": dict(sorted(spec.properties.items()))})

    def references(self, ref: Ref, spec: SiteImageSpec) -> Iterable[Edge]:  # noqa: ARG002
        yield Edge(Ref.of("Site", spec.site), "exists", "spec.site")
        yield Edge(Ref.of("VO", spec.vo), "exists", "spec.vo")

    def awaited(self, resources: Mapping[Ref, Resource]) -> Iterable[tuple[Ref, Edge]]:
        return awaited(resources)

    def target(self, ref: Ref, spec: SiteImageSpec) -> str:  # noqa: ARG002
        return target_id(spec.site, spec.cloud, spec.vo)

    def holders(self, spec: SiteImageSpec) -> Iterable[Ref]:
        """The image, and the VO that endorses it."""
        return (Ref.of("Image", spec.image), Ref.of("VO", spec.vo))

    def connect(self, target_id: str, federation: Federation, drivers: Drivers) -> Target:
        return connect(target_id, federation, drivers)

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        try:
            images = drivers.images(target)
        except Terminal as error:
            if error.reason is not Reason.OBSERVE_ONLY:
                raise
            return Reading({w.ref: Unknown(str(error), error.reason) for w in wanted})
        listing = images.listing(token)
        if listing.unchanged:
            return Reading({}, token=listing.token, unchanged=True)
        if not listing.complete:
            return Reading(
                {w.ref: Unknown("the cloud listed only a part of its images") for w in wanted}, complete=False
            )
        hidden = any(image.hidden and image.owner for image in listing.images)
        users = images.users() if hidden else {}
        results = {w.ref: look(w, listing.images, users) for w in wanted}
        others = tuple(strays(target.id, listing.images, {w.uid for w in wanted}))
        return Reading(results, others, "" if hidden else listing.token)  # machines come and go without its changing

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return self._each(target, changes, drivers, put_one)

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return self._each(target, changes, drivers, remove_one)

    def _each(
        self, target: Target, changes: Sequence[Change], drivers: Drivers, do: Callable[[Visit, Change], Answer]
    ) -> dict[Ref, Answer]:
        """Answer for what is under way without looking; look once at the project for all the rest."""
        visit, answers = Visit(target, drivers, self._transfers), dict[Ref, Answer]()
        for change in changes:
            answer = under_way(change, self._transfers)
            if answer is None:
                try:
                    answer = do(visit, change)
                except DriverError as error:
                    answer = failed(error, lost="transient")
            answers[change.ref] = answer
        return answers
