"""How far a cluster has come, as a handle holds it from one look to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from reconciler.model import Started

DEADLINE = 7200.0
_FIRST_LOOK, _LONGEST_LOOK = 0.2, 5.0
"""Seconds between looks."""


@dataclass
class Progress:
    """What a handle holds."""

    run: str = ""
    """The playbook run under way."""
    config: str = ""
    """What that run configures."""
    asked: dict[str, float] = field(default_factory=dict)
    """Node asked for and not listed yet -> seconds since."""
    tries: dict[str, int] = field(default_factory=dict)
    """Node -> how often it came up in error."""
    published: bool = False
    """The front end was given its public address."""
    looks: int = 0
    """Looks since anything moved."""
    pause: float = 0.0
    """Seconds between the last look and this one."""

    @classmethod
    def read(cls, handle: str) -> Progress:
        """The progress in a handle; a fresh one for none, and for one that another version wrote."""
        try:
            return cls(**json.loads(handle)) if handle else cls()
        except (ValueError, TypeError):
            return cls()

    def started(self, message: str, *, moved: bool = False, least: float = 0.0) -> Started:
        """Ask again: soon after something moved, later the longer nothing does; not before ``least`` seconds."""
        looks = 0 if moved else self.looks + 1
        pause = max(least, min(_LONGEST_LOOK, round(_FIRST_LOOK * 1.5 ** min(looks, 20), 2)))
        state = asdict(replace(self, looks=looks, pause=pause))
        return Started(json.dumps(state, sort_keys=True, separators=(",", ":")), pause, DEADLINE, message)
