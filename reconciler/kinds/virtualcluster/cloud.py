"""What a cluster's target offers, asked once during one ``put``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from reconciler.kinds.virtualcluster.beside import Joined, target_at
from reconciler.model import Target
from reconciler.ports import Compute, Drivers, Image, Size


class Cloud:
    """One target during one ``put``: what it offers is asked once."""

    def __init__(self, target: Target, drivers: Drivers, places: Sequence[str] = ()) -> None:
        self.target, self.drivers, self.places = target, drivers, places
        self._away: dict[str, Cloud] = {}

    @cached_property
    def compute(self) -> Compute:
        """The project, together with those of other places where there are any."""
        return Joined(self.target, self.places, self.drivers) if self.places else self.drivers.compute(self.target)

    def at(self, place: str) -> Cloud:
        """The project at one place alone; "" is this one."""
        if not place:
            return self
        return self._away.setdefault(place, Cloud(target_at(self.target, place), self.drivers))

    @cached_property
    def sizes(self) -> Sequence[Size]:
        """Flavours."""
        return self.compute.sizes()

    @cached_property
    def images(self) -> Sequence[Image]:
        """Images."""
        return self.compute.images()
