"""Wish: how choices that were made before are looked upon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model import Ref


@dataclass(frozen=True, slots=True)
class Wish:
    """Choices are kept until they become impossible, unless ``gain`` says for how much better a score they may move."""

    gain: float = math.inf
    chosen: Mapping[Ref, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Taken for what was chosen earlier: a plan that was saved is to be made again as it was."""
    look: bool = False
    """Ask what would let settled things move, although they are to be kept."""

    @property
    def afresh(self) -> bool:
        """Whether clouds are asked what they offer also for what is settled."""
        return self.look or self.gain < math.inf


KEEP = Wish()
LOOK = Wish(look=True)
