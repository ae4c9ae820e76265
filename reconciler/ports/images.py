"""The images port: the machine images of one project of a cloud, with our mark in their properties. Fits glance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

OWNER = "hanse_uid"
"""Property that carries the uid of what an image belongs to."""
CONTENT = "hanse_content"
"""Property that names the content which was verified: ``sha512:<hex>``, or ``sha256:<hex>`` where no other is known."""

ImageState = Literal["empty", "filling", "active", "deactivated"]
"""Registered without content; content is arriving, or was when somebody broke off; usable; shut by an operator."""


@dataclass(frozen=True, slots=True)
class Appliance:
    """Where an image's content comes from, and what it must be."""

    url: str
    checksums: frozenset[str]
    """``sha512:<hex>`` and ``sha256:<hex>``, at least one; all of them are verified."""
    format: str
    """Disk format as glance names it: ``qcow2``, ``raw``, ``vmdk``."""
    size: int | None = None
    """Bytes."""

    @property
    def content(self) -> str:
        """The checksum that names the content: the longest one known."""
        return max(self.checksums, key=lambda checksum: (len(checksum), checksum))


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What a new image shall be. The owner's mark and the content's name are added to the properties."""

    owner: str
    """Uid."""
    name: str
    appliance: Appliance
    properties: Mapping[str, str] = field(default_factory=dict)
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    visibility: str = "private"
    progress: Callable[[int], None] | None = field(default=None, compare=False)
    """Told the bytes of each piece that has moved (once down, once up); what it raises stops the work."""


@dataclass(frozen=True, slots=True)
class ImageUpdate:
    """What an image shall be besides its content; what is None stays. A property that is None is taken away."""

    properties: Mapping[str, str | None] = field(default_factory=dict)
    name: str | None = None
    hidden: bool | None = None
    visibility: str | None = None
    min_disk_gib: int | None = None
    min_ram_mib: int | None = None

    def __bool__(self) -> bool:
        return self != ImageUpdate()


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as the cloud shows it."""

    id: str
    name: str
    state: ImageState
    format: str
    properties: Mapping[str, str] = field(default_factory=dict)
    checksums: frozenset[str] = frozenset()
    """What the cloud itself has summed: ``sha512:<hex>``."""
    size: int | None = None
    hidden: bool = False
    visibility: str = "private"
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    created: str = ""
    """ISO 8601, UTC; the later ones are greater."""

    @property
    def owner(self) -> str:
        """Our mark; "" when it has none."""
        return self.properties.get(OWNER, "")

    def has(self, checksums: Collection[str]) -> bool:
        """Whether its content is the one with these checksums.

        What the cloud has summed itself counts; where it sums otherwise, the name of what was verified does.
        """
        if self.state in ("empty", "filling"):
            return False
        summed = {c.partition(":")[0] for c in self.checksums} & {c.partition(":")[0] for c in checksums}
        if summed:
            return all(c in self.checksums for c in checksums if c.partition(":")[0] in summed)
        return self.properties.get(CONTENT, "") in checksums


@dataclass(frozen=True, slots=True)
class ImageListing:
    """Every image of the project, hidden ones too. Others' images that it may use are not in it."""

    images: tuple[StoredImage, ...]
    complete: bool = True
    token: str = ""
    unchanged: bool = False


class Images(Protocol):
    """The images of one project in one cloud.

    Opening one raises Terminal with ``reason=OBSERVE_ONLY`` where a cloud has no images that could be brought in.
    """

    def listing(self, token: str = "") -> ImageListing:
        """List the project's images, in as few calls as there are pages; a token as for `Compute.nodes`."""
        ...

    def bring(self, request: ImageRequest) -> StoredImage:
        """Bring an image in: fetch it, verify it, register it, upload it, and verify what the cloud has summed.

        Takes as long as the bytes do. What an earlier attempt of the same owner has left half-made is taken up or
        removed; nothing half-made is left where that can be helped. An image of the owner that has the content
        already is returned as it is. Raises Terminal when the content is not what it must be, Transient when a later
        attempt may succeed.
        """
        ...

    def update(self, image_id: str, update: ImageUpdate) -> None:
        """Change what an image says of itself. Raises Conflict when it is gone."""
        ...

    def remove(self, image_id: str) -> None:
        """Take an image away; one that is gone already is fine. Raises Conflict when the cloud says it is in use."""
        ...

    def users(self) -> Mapping[str, int]:
        """Image id -> how many of the project's machines were made from it, for those that have any."""
        ...
