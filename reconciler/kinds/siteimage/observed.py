"""What a project's images show of each image wanted: which one it is, and what there is besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds.siteimage import marks
from reconciler.kinds.siteimage.spec import SiteImageSpec
from reconciler.model import Absent, Observation, Present, Ref, Stray, Wanted
from reconciler.ports import StoredImage

HALF = ("empty", "filling")


@dataclass(frozen=True, slots=True)
class Found:
    """The images of one owner: the one that counts, and the others."""

    current: StoredImage | None
    others: tuple[StoredImage, ...]

    @property
    def all(self) -> tuple[StoredImage, ...]:
        """Every one of them."""
        return (self.current, *self.others) if self.current else self.others


def found(spec: SiteImageSpec, ref: Ref, uid: str, images: Iterable[StoredImage]) -> Found:
    """The owner's images. What counts is the one with the content wanted, else what serves in its stead.

    One that has lost its mark and says all the rest is still taken for it, where there is no other.
    """
    images = list(images)
    own = [image for image in images if image.owner == uid]
    own = own or [i for i in images if not i.owner and i.properties.get(marks.REF) == ref and right(spec, i)]
    ranked = sorted(own, key=lambda image: _rank(spec, image))
    return Found(ranked[0], tuple(ranked[1:])) if ranked else Found(None, ())


def right(spec: SiteImageSpec, image: StoredImage) -> bool:
    """Whether its content is the one wanted."""
    return spec.checksum is not None and image.has(spec.checksum.listed()) and image.format == spec.format


def _rank(spec: SiteImageSpec, image: StoredImage) -> tuple[Any, ...]:
    """The right content first, then what is whole, then what is shown, then the oldest."""
    return (not right(spec, image), image.state in HALF, image.hidden, image.state != "active", image.created, image.id)


def look(wanted: Wanted, images: Iterable[StoredImage], users: Mapping[str, int]) -> Observation:
    """The observation of one image. ``users`` counts the machines of images that are hidden."""
    spec, applied = spec_of(wanted.spec), wanted.applied
    there = found(spec, wanted.ref, wanted.uid, images)
    if there.current is None:
        return Present(spec, uid=wanted.uid) if spec.withdrawn and applied is not None else Absent()
    used = sum(users.get(image.id, 0) for image in there.all)
    if spec.withdrawn and all(image.hidden and users.get(image.id) for image in there.all):
        return Present(spec, uid=wanted.uid, note=f"hidden; in use by {used} machine(s)")
    former = spec_of(applied).properties if applied is not None else {}
    seen = marks.as_seen(spec, there.current, former)
    left = tuple(_left(image) for image in there.others if goes(image, users))
    shut = there.current.state == "deactivated"
    return Present(
        seen.model_copy(update={"leftovers": left}),
        owned=bool(there.current.owner),
        uid=there.current.owner,
        outputs=outputs(there.current),
        healthy=False if shut else None if there.current.state in HALF else True,
        note="the cloud's operators have deactivated it: ask them why" if shut else "",
    )


def goes(image: StoredImage, users: Mapping[str, int]) -> bool:
    """Whether there is something to do about a former version: it is shown, half-made, or used by nobody."""
    return image.state in HALF or not image.hidden or not users.get(image.id)


def _left(image: StoredImage) -> str:
    what = "broken-off upload" if image.state in HALF else "former version"
    version = image.properties.get(marks.VERSION, "")
    return f"{what} {version} {image.id}".replace("  ", " ")


def outputs(image: StoredImage) -> dict[str, Any]:
    """What others may take from it."""
    return {"image_id": image.id, "name": image.name}


def strays(target: str, images: Iterable[StoredImage], held: set[str]) -> Iterator[Stray]:
    """What carries our mark and belongs to nobody here, each mark once; another target's in the same project do not."""
    named: dict[str, str] = {}
    for image in images:
        if image.owner and image.owner not in held and image.properties.get(marks.TARGET, target) == target:
            named.setdefault(image.owner, image.properties.get(marks.REF) or image.name)
    yield from (Stray(target, uid, name, "SiteImage") for uid, name in sorted(named.items()))


def spec_of(spec: Any) -> SiteImageSpec:
    """The spec, as this kind's own."""
    assert isinstance(spec, SiteImageSpec)  # noqa: S101 (its own kind's)
    return spec
