"""Making images so, and taking them away: looks first, and does only what is missing.

A new version is uploaded before the former one is hidden. What is hidden is removed as soon as no machine uses it: a
machine whose image is gone may run on, but can neither be rebuilt nor moved to another host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from reconciler.errors import Conflict, Terminal, Transient
from reconciler.kinds.failing import failed
from reconciler.kinds.replica.transfer import Job, Transfers
from reconciler.kinds.siteimage import marks
from reconciler.kinds.siteimage.observed import HALF, Found, found, goes, outputs, right, spec_of
from reconciler.kinds.siteimage.spec import SiteImageSpec
from reconciler.model import Answer, Change, Done, Failed, Reason, Started, Target
from reconciler.ports import Appliance, Drivers, ImageRequest, Images, ImageUpdate, StoredImage
from reconciler.ports.images import CONTENT, OWNER

_SLOWEST = 1e6
"""Bytes per second below which a transfer is given up."""
_UNKNOWN_SIZE = 20 << 30
_FIRST_LOOK = 0.5
"""Seconds: what is there already, or cannot be had, is known soon."""


@dataclass(frozen=True)
class Visit:
    """One call on the images of one project."""

    target: Target
    drivers: Drivers
    transfers: Transfers

    @cached_property
    def images(self) -> Images:
        """The project's images."""
        return self.drivers.images(self.target)

    @cached_property
    def listed(self) -> Sequence[StoredImage]:
        """Every image as it is now. Raises Transient when only a part was shown."""
        listing = self.images.listing()
        if not listing.complete:
            raise Transient(f"{self.target.name} listed only a part of its images")
        return listing.images

    @cached_property
    def users(self) -> Mapping[str, int]:
        """Machines by image; asked only where something is to be removed."""
        return self.images.users()

    def found(self, change: Change) -> Found:
        """The images of one change."""
        return found(spec_of(change.spec), change.ref, change.uid, self.listed)


def under_way(change: Change, transfers: Transfers) -> Answer | None:
    """The answer for a transfer that goes on or has failed; None when there is none, or it is done."""
    job = transfers.find(change.handle) if change.handle else None
    if job is None or job.state == "done":
        return None
    if job.state == "running":
        return Started(job.handle, _look_again_in(job), message=job.said(), progress=job.progress())
    return failed(job.error, lost="transient") if job.error is not None else None


# -- making ------------------------------------------------------------------------------------------------------------


def put_one(visit: Visit, change: Change) -> Answer:
    """Bring in what is missing, mend what differs, let former versions go."""
    spec, there = spec_of(change.spec), visit.found(change)
    if spec.withdrawn:
        return _withdraw(visit, change, there)
    current = there.current
    if current is None or not right(spec, current):
        return _started(visit.transfers.start(_job(visit, change)))
    if not current.owner and change.before is None:
        said = f"{current.name} stands there already and carries no mark of ours"
        return Failed("conflict", said, reason=Reason.ADOPTION_CONFLICT)
    due = _due(visit, change, spec, current)
    if due:
        visit.images.update(current.id, due)
    kept = _let_go(visit, there.others)
    return Done(outputs(current), f"{kept} former versions are hidden, and still used" if kept else "")


def _due(visit: Visit, change: Change, spec: SiteImageSpec, current: StoredImage) -> ImageUpdate:
    """What the image says of itself and should not, or the other way round."""
    wanted = {**marks.properties(change.ref, visit.target.id, spec), OWNER: change.uid}
    formerly = spec_of(change.before).properties if change.before is not None else {}
    stale = [*(marks.OURS - wanted.keys() - {CONTENT}), *(formerly.keys() - wanted.keys())]
    properties: dict[str, str | None] = {n: v for n, v in wanted.items() if current.properties.get(n) != v}
    properties |= {name: None for name in stale if name in current.properties}
    minimum = spec.minimum
    disk, ram = minimum.diskGiB or 0, minimum.memoryMiB or 0
    return ImageUpdate(
        properties,
        name=spec.image if spec.image != current.name else None,
        hidden=False if current.hidden else None,
        visibility=spec.visibility if spec.visibility != current.visibility else None,
        min_disk_gib=disk if disk != current.min_disk_gib else None,
        min_ram_mib=ram if ram != current.min_ram_mib else None,
    )


def _let_go(visit: Visit, images: Sequence[StoredImage]) -> int:
    """Hide what is shown and remove what nobody uses; returns how many are still used."""
    kept = 0
    for image in images:
        if image.state not in HALF and not image.hidden:
            visit.images.update(image.id, ImageUpdate(hidden=True))
        if image.state in HALF or not visit.users.get(image.id):
            kept += not _removed(visit, image)
        else:
            kept += 1
    return kept


def _removed(visit: Visit, image: StoredImage) -> bool:
    """Remove an image; False when the cloud's storage still needs it."""
    try:
        visit.images.remove(image.id)
    except Conflict:
        return False
    return True


def _withdraw(visit: Visit, change: Change, there: Found) -> Answer:
    if visit.transfers.cancel(visit.target.id, change.uid):
        return Failed("transient", "its transfer is being stopped", retry_after=1.0)
    kept = _let_go(visit, [image for image in there.all if goes(image, visit.users)] if there.all else ())
    return Done(message=f"withdrawn; {kept} are hidden and still used" if kept else "withdrawn")


# -- the long part -----------------------------------------------------------------------------------------------------


def _job(visit: Visit, change: Change) -> Job:
    spec = spec_of(change.spec)
    if spec.checksum is None:
        raise Terminal(f"{change.ref}: without a checksum nothing is fetched: add one")
    content = Appliance(spec.url, spec.checksum.listed(), spec.format, spec.sizeBytes)
    request = ImageRequest(
        owner=change.uid,
        name=spec.image,
        appliance=content,
        properties=marks.properties(change.ref, visit.target.id, spec),
        min_disk_gib=spec.minimum.diskGiB or 0,
        min_ram_mib=spec.minimum.memoryMiB or 0,
        visibility=spec.visibility,
    )
    handle = f"{visit.target.id}#{change.uid}#{content.content}"
    total = 2 * (spec.sizeBytes or 0)
    return Job(handle, visit.target.id, change.uid, partial(_bring, visit.drivers, visit.target, request), total, 1)


def _bring(drivers: Drivers, target: Target, request: ImageRequest, job: Job) -> None:
    """In a thread of the transfers, which has drivers of its own."""
    drivers.images(target).bring(replace(request, progress=job.advance))
    job.files_done += 1


def _started(job: Job) -> Started:
    deadline = 1800.0 + (job.total or _UNKNOWN_SIZE) / _SLOWEST
    return Started(job.handle, min(_FIRST_LOOK, _look_again_in(job)), deadline, job.said())


def _look_again_in(job: Job) -> float:
    """Seconds until it is worth another look."""
    return min(10.0, max(0.2, (job.total - job.moved) / 200e6))


# -- taking away -------------------------------------------------------------------------------------------------------


def remove_one(visit: Visit, change: Change) -> Answer:
    """Take away every image with this mark. One that machines use is hidden and stays, with the reason."""
    if visit.transfers.cancel(visit.target.id, change.uid):
        return Failed("transient", "its transfer is being stopped", retry_after=1.0)
    own = [image for image in visit.found(change).all if image.owner == change.uid]
    kept = _let_go(visit, own)
    if kept:
        used = sum(visit.users.get(image.id, 0) for image in own)
        said = f"in use by {used or 'some'} machine(s): it is hidden, and goes when they are gone"
        return Failed("terminal", said, reason=Reason.DELETION_BLOCKED)
    return Done()
