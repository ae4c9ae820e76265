"""World: what choices rest on besides the manifests. observe/ fills it, ``Kind.choices`` reads it; it is a value.

Everything in it may be missing, and then it is `Unknown`, with the reason: what could not be read never speaks for a
candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from reconciler.model import Create, Past, PlacePolicy, Ref, Spec, Standing, Target, Unknown
from reconciler.ports import Image, Queue, Quota, Size

Topic = Literal["offer", "queue"]
"""What is asked: what a cloud project offers and has left; the queue of a cluster's batch system."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NOT_ASKED = Unknown("not asked in this run")


@dataclass(frozen=True, slots=True)
class Question:
    """What a kind wants to know before it chooses. Questions about the same thing are asked once in a run."""

    topic: Topic
    about: str
    """Where the answer stands in the World: a target id in ``offers``, a resource in ``queues``."""
    target: Target
    """Whom to ask."""


@dataclass(frozen=True, slots=True)
class Need:
    """What something takes of a cloud project. RAM in MiB."""

    instances: int = 0
    cpus: int = 0
    ram_mib: int = 0

    def __add__(self, other: Need) -> Need:
        return Need(self.instances + other.instances, self.cpus + other.cpus, self.ram_mib + other.ram_mib)

    def __bool__(self) -> bool:
        return bool(self.instances or self.cpus or self.ram_mib)


@dataclass(frozen=True, slots=True)
class Demand:
    """What making a resource as wanted asks of clouds, besides what stands already."""

    takes: Mapping[str, Need] = field(default_factory=dict)
    """By target id."""
    said: str = ""
    """How it is met: ``1 x m1.small, 2 x m1.large (the cheapest that fit)``."""
    why_not: str = ""
    """Why it cannot be met there, however much is left."""
    price: float | None = None
    """For an hour; None where the cloud does not say."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a cloud project offers, and what is left in it, as it was read at ``read_at``."""

    sizes: tuple[Size, ...]
    images: tuple[Image, ...]
    quota: Quota
    """What is left, less what this plan has promised already."""
    read_at: datetime | None = None
    """Filled in by observe/."""
    catalogue_at: datetime | None = None
    """When flavours and images were read, which change seldom. Filled in by observe/."""

    def lacks(self, need: Need) -> str:
        """What is left and does not suffice for ``need``, with the numbers; "" when it does."""
        pairs = (
            ("instances", need.instances, self.quota.instances),
            ("cpus", need.cpus, self.quota.cpus),
            ("MiB RAM", need.ram_mib, self.quota.ram_mib),
        )
        return "; ".join(f"{n} {what} needed, {left} left" for what, n, left in pairs if left is not None and n > left)

    def less(self, need: Need) -> Offer:
        """The offer with ``need`` promised to somebody."""
        quota = self.quota
        rest = replace(
            quota,
            instances=_less(quota.instances, need.instances),
            cpus=_less(quota.cpus, need.cpus),
            ram_mib=_less(quota.ram_mib, need.ram_mib),
        )
        return replace(self, quota=rest)


def _less(left: int | None, taken: int) -> int | None:
    return None if left is None else max(0, left - taken)


@dataclass(frozen=True)
class World:
    """The world as far as choices need it."""

    now: datetime = LONG_AGO
    """The one clock of everything that is decided in this run."""
    offers: Mapping[str, Offer | Unknown] = field(default_factory=dict)
    """By compute target id. Asked only where something undecided, or about to be made, could go."""
    queues: Mapping[Ref, Queue | Unknown] = field(default_factory=dict)
    """By cluster, for those that asked."""
    probes: Mapping[Ref, Standing] = field(default_factory=dict)
    """How each probe stood over the last weeks."""
    past: Mapping[str, Past] = field(default_factory=dict)
    """How creates went, by target id."""
    failures: Mapping[Ref, tuple[Create, ...]] = field(default_factory=dict)
    """Creates that failed since the resource was last made, the oldest first; those a place is to blame for."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Target id -> why nothing new is begun there (somebody paused it)."""
    stands: Callable[[Ref], Spec | None] = field(default=lambda _: None)
    """What was observed of a resource; None when it is not there, or this is not known."""
    moved: frozenset[Ref] = frozenset()
    """Resources that git, the world or an interrupted run has moved, of kinds that ask anything."""
    policy: PlacePolicy = field(default_factory=PlacePolicy)

    def offer(self, target_id: str) -> Offer | Unknown:
        """What a target offers."""
        return self.offers.get(target_id, NOT_ASKED)

    def queue(self, ref: Ref) -> Queue | Unknown:
        """A cluster's queue."""
        return self.queues.get(ref, NOT_ASKED)

    def less(self, target_id: str, need: Need) -> World:
        """The world in which ``need`` of a target is promised to somebody."""
        offer = self.offer(target_id)
        if isinstance(offer, Unknown) or not need:
            return self
        return replace(self, offers={**self.offers, target_id: offer.less(need)})


NOWHERE = World()
"""A world of which nothing is known."""
