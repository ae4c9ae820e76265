"""Checks: probes by what they look at, so that results which others tell find the probe that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.model import Ref


class Looked(NamedTuple):
    """What a probe looks at, in ARGO's words."""

    service: str
    """Service type."""
    hostname: str
    metric: str


@dataclass(frozen=True)
class Checks:
    """Every probe that may be told of."""

    attempts: Mapping[Ref, int] = field(default_factory=dict)
    """Probe -> so many bad results in a row make a fault hard."""
    by_what: Mapping[Looked, Ref] = field(default_factory=dict)
    about: Mapping[Ref, Looked] = field(default_factory=dict)

    def found(self, probe: str, looked: Looked | None) -> Ref | None:
        """The probe of that name (``tides/keystone``, with its kind or without), or of what it looks at."""
        if probe:
            ref = Ref(probe if probe.startswith("Probe/") else f"Probe/{probe}")
            return ref if ref in self.attempts else None
        return self.by_what.get(looked) if looked else None
