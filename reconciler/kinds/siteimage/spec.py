"""SiteImage: one image in one VO's project of one cloud."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.siteimage.appliance import Checksums, Format, Minimum, PropertyName, System, WebUrl, Word
from reconciler.kinds.when import Instant
from reconciler.model import Spec


class SiteImageSpec(Spec):
    """An image as it shall stand in a VO's project."""

    site: ShortName
    """Name of the Site."""
    cloud: ShortName
    """Name of the cloud within the site."""
    vo: ShortName
    """Name of the VO: the image is private to its project."""
    image: Word
    """What machines name it by: its name in the cloud."""
    url: WebUrl
    """Where its content is fetched from, once for all clouds that want it at the same time."""
    checksum: Checksums | None = None
    """It must be given. Verified before the upload, and compared with what the cloud has summed after it."""
    sizeBytes: Annotated[int, Field(ge=1)] | None = None
    format: Format
    version: Word | None = None
    system: System = System()
    minimum: Minimum = Minimum()
    identifier: Word | None = None
    """Where it is registered, for accounting: the property ``ad:mpuri``."""
    expires: Instant | None = None
    """Until when it is endorsed; who withdraws it then is the Image."""
    visibility: Word = "private"
    """``private`` to the project, or ``shared`` with projects that its members choose."""
    properties: dict[PropertyName, str] = Field(default={})
    """Further properties, for the hypervisor: ``hw_disk_bus: virtio``."""
    withdrawn: Word | None = None
    """Why it is withdrawn: hidden at once, and removed as soon as no machine uses it."""
    hidden: bool = False
    """Observed, never wanted: no list shows it."""
    leftovers: tuple[Word, ...] = ()
    """Observed, never wanted: former versions that may go, and uploads that broke off."""
