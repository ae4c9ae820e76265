"""Who endorses an image, and where it goes: VOs that list it, and the clouds that support them and take images.

The federation is indexed once for all images of a run.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from reconciler.kinds.base import Derived, Federation
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.siteimage.spec import SiteImageSpec


class Endorsement(Protocol):
    """An image that a VO wants."""

    @property
    def name(self) -> str: ...
    @property
    def tag(self) -> str | None: ...


class VO(Protocol):
    """A VO, as this kind looks at it: kinds know no other kind."""

    @property
    def images(self) -> Sequence[Endorsement]: ...


class Share(Protocol):
    """A VO's part of a cloud."""

    @property
    def vo_name(self) -> str: ...


class Cloud(Protocol):
    """A cloud of a site."""

    @property
    def name(self) -> str: ...
    @property
    def imageSync(self) -> bool | None: ...  # noqa: N802
    @property
    def imageFormats(self) -> Sequence[str] | None: ...  # noqa: N802
    @property
    def shares(self) -> Sequence[Share]: ...


class Site(Protocol):
    """A site."""

    @property
    def clouds(self) -> Sequence[Cloud]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A VO's project in a cloud that takes images."""

    site: str
    cloud: str
    vo: str
    formats: tuple[str, ...]
    """That it takes; empty: all."""

    def takes(self, format: str) -> bool:
        """Whether images of a format go there."""
        return not self.formats or format in self.formats


@dataclass(frozen=True, slots=True)
class Index:
    """Who endorses what, and where VOs have projects that take images."""

    vos: Mapping[str, Sequence[tuple[str, str | None]]]
    """Image -> (VO, version)."""
    places: Mapping[str, Sequence[Place]]
    """VO -> its projects."""

    @classmethod
    def of(cls, federation: Federation) -> Index:
        """Look at every VO and site."""
        vos: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        for ref, spec in federation.of_kind("VO"):
            for wanted in cast("VO", spec).images:
                vos[wanted.name].append((ref.name, wanted.tag))
        places: dict[str, list[Place]] = defaultdict(list)
        for ref, spec in federation.of_kind("Site"):
            for cloud in cast("Site", spec).clouds:
                for vo in sorted({share.vo_name for share in cloud.shares}) if cloud.imageSync else ():
                    places[vo].append(Place(ref.name, cloud.name, vo, tuple(cloud.imageFormats or ())))
        return cls(vos, places)

    def endorsers(self, image: str, version: str) -> list[str]:
        """VOs that endorse this version of an image: a VO that names no version takes them all."""
        return sorted({vo for vo, tag in self.vos.get(image, ()) if tag in (None, version)})

    def goes_to(self, image: str, spec: ImageSpec) -> Iterator[Place]:
        """Every project that an image shall stand in."""
        for vo in self.endorsers(image, spec.version):
            yield from (place for place in self.places.get(vo, ()) if place.takes(spec.format))


class Register:
    """Remembers the index of the federation looked at last: many images ask for the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._federation: Federation | None = None
        self._index = Index({}, {})

    def index(self, federation: Federation) -> Index:
        """The index of a federation."""
        with self._lock:
            if federation is not self._federation:
                self._federation, self._index = federation, Index.of(federation)
            return self._index


def derived(name: str, spec: ImageSpec, index: Index) -> Iterator[Derived]:
    """A SiteImage for each project that the image shall stand in. The image does not wait for them."""
    for place in index.goes_to(name, spec):
        yield Derived("SiteImage", copy_name(name, place), copy_of(name, spec, place), "none")


def copy_name(image: str, place: Place) -> str:
    """Name of the SiteImage that an image brings along: site, cloud, VO, image."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{place.site}.{place.cloud}.{place.vo}.{image}")


def copy_of(name: str, spec: ImageSpec, place: Place) -> SiteImageSpec:
    """The image as it shall stand in a project."""
    return SiteImageSpec(
        site=place.site,
        cloud=place.cloud,
        vo=place.vo,
        image=name,
        url=spec.url,
        checksum=spec.checksum,
        sizeBytes=spec.sizeBytes,
        format=spec.format,
        version=spec.version,
        system=spec.system,
        minimum=spec.minimum,
        identifier=spec.identifier,
        expires=spec.expires,
        visibility=spec.visibility,
        properties=spec.properties,
        withdrawn=spec.withdrawn,
    )
