"""Image: an appliance that VOs may endorse, with where its content is and until when it is vouched for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.kinds.siteimage.appliance import Checksums, Format, Minimum, PropertyName, System, WebUrl, Word
from reconciler.kinds.when import Instant
from reconciler.model import Spec, Strict


class Recommended(Strict):
    """What a machine should have to run it well."""

    cores: Annotated[int, Field(ge=1)] | None = None
    memoryMiB: Annotated[int, Field(ge=1)] | None = None


class SignedList(Strict):
    """The signed image list that it came from (HEPiX)."""

    identifier: Word
    """The list's ``dc:identifier``."""
    version: Word | None = None
    endorser: Word
    """Distinguished name of who signed it: ``/C=ES/O=Example/CN=Ana Endorser``."""
    authority: Word
    """Distinguished name of the authority that vouches for the endorser."""


class ImageSpec(Spec):
    """An appliance: the file of a machine's disk, and what must be known to run it.

    VOs endorse it under ``spec.images``; then it is brought to every cloud with ``imageSync`` that supports them.
    """

    title: Word | None = None
    description: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    url: WebUrl
    """Where its content is fetched from."""
    checksum: Checksums
    """Verified before anything is uploaded. Another checksum is another content: uploaded anew."""
    sizeBytes: Annotated[int, Field(ge=1)] | None = None
    """Of the file; an endless download is not waited for."""
    format: Format
    """Of the disk: ``qcow2``, ``raw``."""
    system: System = System()
    minimum: Minimum = Minimum()
    recommended: Recommended = Recommended()
    version: Word
    """A new one with a new checksum replaces the former at every cloud."""
    created: Instant
    """When it was made, or endorsed, UTC."""
    expires: Instant
    """Until when it is endorsed, UTC; at most a year after ``created``. Then it is withdrawn everywhere."""
    identifier: Word | None = None
    """Where it is registered, which is what accounting names it by (``ad:mpuri`` in image lists)."""
    uuid: Word | None = None
    """Its ``dc:identifier`` in image lists."""
    visibility: Literal["private", "shared"] = "private"
    """``private`` to each VO's project, or ``shared`` with projects that its members choose."""
    properties: dict[PropertyName, str] = Field(default={})
    """Further properties of the image in the cloud, for its hypervisor: ``hw_disk_bus: virtio``."""
    list: SignedList | None = None
    """The signed list that it was imported from."""
    withdrawn: Word | None = None
    """Why it is withdrawn before its time (a vulnerability); filled in once it has expired."""
