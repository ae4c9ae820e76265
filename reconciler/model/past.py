"""What the records tell about places: how their probes stood, how creates went there, what is held there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.model.ref import Ref

HALF_LIFE = timedelta(days=7)
"""An outcome counts half as much for every such time that it is old."""
_SOFTWARE = re.compile(r"\.ya?ml failed")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a probe stood over the last weeks. Shares are 0..1; None where nothing was measured."""

    availability: float | None = None
    """Share of the measured time in which it was OK or WARNING."""
    measured: timedelta = timedelta()
    """Time in which it said anything but UNKNOWN."""
    failing: str = ""
    """What it says now, where that is bad and has been so often enough to count."""
    checked_at: datetime | None = None


class Standings(dict[Ref, Standing]):
    """How each probe stood, with the checks that probes of many services have of each site."""

    @cached_property
    def of_sites(self) -> Mapping[str, tuple[tuple[Ref, str], ...]]:
        """Site -> checks with the name of the service that they look at, in the order of their names."""
        found: dict[str, list[tuple[Ref, str]]] = {}
        for ref in sorted(self):
            if looked := checked(ref):
                found.setdefault(looked[0], []).append((ref, looked[1]))
        return {site: tuple(some) for site, some in found.items()}


def checked(ref: Ref) -> tuple[str, str] | None:
    """Site and service that a check of a probe of many services looks at; None for a probe of its own."""
    site, _, rest = ref.partition("@")[2].partition("+")
    return (site, rest.partition("+")[0]) if site else None


@dataclass(frozen=True, slots=True)
class Create:
    """One create that came to an end."""

    ref: Ref
    target: str
    at: datetime
    done: bool
    seconds: float
    """From its first attempt to its end."""
    reason: str = ""
    message: str = ""

    @property
    def blames_place(self) -> bool:
        """Whether it failed for what another place may do better: a playbook that fails, fails everywhere."""
        return not self.done and self.reason != "DependencyFailed" and not _SOFTWARE.search(self.message)


@dataclass(frozen=True, slots=True)
class Past:
    """How creates went on one target, newer ones counting more."""

    succeeded: float = 0.0
    failed: float = 0.0
    seconds: float | None = None
    """Mean time until what was made was ready; None when nothing ever was."""

    @classmethod
    def of(cls, creates: Iterable[Create], now: datetime) -> Past:
        """The past that these add up to."""
        weighed = [(one, 0.5 ** max(0.0, (now - one.at) / HALF_LIFE)) for one in creates]
        good = [(one, weight) for one, weight in weighed if one.done]
        succeeded = sum(weight for _, weight in good)
        failed = sum(weight for one, weight in weighed if one.blames_place)
        seconds = sum(one.seconds * weight for one, weight in good) / succeeded if succeeded else None
        return cls(succeeded, failed, seconds)


@dataclass(frozen=True, slots=True)
class History:
    """Everything that the records tell about places."""

    probes: Mapping[Ref, Standing] = field(default_factory=dict)
    creates: tuple[Create, ...] = ()
    """On clouds, the oldest first."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Target id -> who paused it and why."""
    uptime: Mapping[str, float] = field(default_factory=dict)
    """Site -> share of the known time in which it was up, of the days that a report of availability has."""
