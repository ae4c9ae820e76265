"""How an image behaves: it is registered, brings a SiteImage along wherever it shall stand, and ends in time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from reconciler.kinds.base import Derived, Fault, Federation, OpenChoice, Rule
from reconciler.kinds.image import expiry
from reconciler.kinds.image.endorsed import Register, derived
from reconciler.kinds.image.rules import RULES, quarrels
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.world import World
from reconciler.model import Ref, Resource


class ImageKind(Registered[ImageSpec]):
    """An appliance."""

    name = "Image"
    plural = "images"
    Spec = ImageSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self) -> None:
        self._register = Register()

    def canonical(self, spec: ImageSpec) -> ImageSpec:
        """Checksums in lower case, properties in order."""
        properties = dict(sorted(spec.properties.items()))
        return spec.model_copy(update={"checksum": spec.checksum.lower(), "properties": properties})

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        return quarrels(resources, changed)

    def reminders(self, resources: Mapping[Ref, Resource], now: datetime) -> Iterable[tuple[Ref, str, Fault]]:
        return expiry.reminders(resources, now)

    def choices(
        self,
        ref: Ref,  # noqa: ARG002
        spec: ImageSpec,
        federation: Federation,  # noqa: ARG002
        world: World,
    ) -> Sequence[OpenChoice]:
        late = spec.expires <= world.now and not spec.withdrawn
        return (expiry.choice(spec),) if late else ()

    def chosen(self, spec: ImageSpec, picks: Mapping[str, tuple[str, ...]]) -> ImageSpec:
        if picks.get(expiry.FIELD) != (expiry.WITHDRAWN,):
            return spec
        return spec.model_copy(update={"withdrawn": expiry.expired(spec)})

    def derive(self, ref: Ref, spec: ImageSpec, federation: Federation) -> Iterable[Derived]:
        """A SiteImage for each project of a VO that endorses it, in clouds that take images."""
        return derived(ref.name, spec, self._register.index(federation))
