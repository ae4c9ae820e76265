"""World: what choices rest on besides the manifests. observe/ fills it, ``Kind.choices`` reads it; it is a value.

Everything in it may be missing, and then it is `Unknown`, with the reason: what could not be read never speaks for a
candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from reconciler.model import Create, Past, PlacePolicy, Ref, Spec, Standing, Target, Unknown
from reconciler.ports import Files, Image, Queue, Quota, Size, Space

Topic = Literal["offer", "queue", "files", "space"]
"""What is asked: what a cloud project offers and has left; the queue of a cluster's batch system; which files lie in a
folder of a storage; how full a storage is."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NOT_ASKED = Unknown("not asked in this run")


@dataclass(frozen=True, slots=True)
class Question:
    """What a kind wants to know before it chooses. Questions about the same thing are asked once in a run."""

    topic: Topic
    about: str
    """Where the answer stands in the World: a target id in ``offers`` and ``spaces``, a resource in ``queues``, a
    target id and a folder in ``listings``."""
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
class Listed:
    """The files of a folder, as they were read."""

    files: Files
    token: str = ""
    """What tells the storage's state then from a later one."""
    odd: str = ""
    """What is to be known of them: files without a checksum."""
    written: Sequence[float] = ()
    """When each of them was last written, seconds since the epoch; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Some data that a rule holds at a storage; without a VO nobody's quota is charged."""

    storage: str
    """``site/storage``."""
    dataset: str
    bytes: int
    whole: int
    """Bytes of the whole dataset: however many hold parts of it, it takes no more room."""
    vo: str = ""
    coming: int = 0
    """Bytes of it that do not lie there yet."""


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
    locks: tuple[Lock, ...] = ()
    """What it holds of storages."""


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


@dataclass(frozen=True, slots=True)
class Held:
    """What the rules of a plan hold of storages, bytes: charged in the order in which they were decided."""

    owed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(storage, VO) -> what is locked there for the VO; a copy that two rules lock counts twice."""
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Dataset -> storage -> what lies there of it; a copy that two rules lock counts once."""
    used: Mapping[str, int] = field(default_factory=dict)
    """Storage -> what lies there in all."""
    coming: Mapping[str, int] = field(default_factory=dict)
    """Storage -> what of it has yet to come."""

    def with_(self, locks: Iterable[Lock]) -> Held:
        """The same after some more is held."""
        owed, data, used, coming = dict(self.owed), dict(self.data), dict(self.used), dict(self.coming)
        for lock in locks:
            if lock.vo:
                owed[lock.storage, lock.vo] = owed.get((lock.storage, lock.vo), 0) + lock.bytes
            there = data.get(lock.dataset, {})
            before = there.get(lock.storage, 0)
            after = min(lock.whole, before + lock.bytes)
            data[lock.dataset] = {**there, lock.storage: after}
            used[lock.storage] = used.get(lock.storage, 0) + after - before
            coming[lock.storage] = coming.get(lock.storage, 0) + min(lock.coming, after - before)
        return Held(owed, data, used, coming)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a site, or some services of it, do not work, as a Downtime declares it."""

    ref: Ref
    site: str
    start: datetime
    end: datetime
    description: str
    services: frozenset[str] = frozenset()
    """Names of the services that are struck."""
    whole: bool = True
    """Whether it is of the whole site, and so of what is no service there."""

    def strikes(self, services: Collection[str]) -> bool:
        """Whether it concerns what rests on these services; without any, on the site."""
        return bool(self.services.intersection(services)) if services else self.whole

    def told(self, now: datetime) -> str:
        """Since when and until when, and by which manifest."""
        began = "is down" if self.start <= now else f"goes down on {self.start:%Y-%m-%d %H:%MZ}"
        return f"{began} until {self.end:%Y-%m-%d %H:%MZ}: {self.description} ({self.ref})"


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
    uptime: Mapping[str, float] = field(default_factory=dict)
    """Site -> its availability over the last weeks, 0..1, as reports of availability have it."""
    ailing: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(site, service) -> what its probe says, of those that are down now."""
    past: Mapping[str, Past] = field(default_factory=dict)
    """How creates went, by target id."""
    failures: Mapping[Ref, tuple[Create, ...]] = field(default_factory=dict)
    """Creates that failed since the resource was last made, the oldest first; those a place is to blame for."""
    outages: Mapping[str, tuple[Outage, ...]] = field(default_factory=dict)
    """Site -> its outages, of those that stand or begin soon."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Target id -> why nothing new is begun there (somebody paused it)."""
    stands: Callable[[Ref], Spec | None] = field(default=lambda _: None)
    """What was observed of a resource; None when it is not there, or this is not known."""
    moved: frozenset[Ref] = frozenset()
    """Resources that git, the world or an interrupted run has moved, of kinds that ask anything."""
    policy: PlacePolicy = field(default_factory=PlacePolicy)
    listings: Mapping[str, Listed | Unknown] = field(default_factory=dict)
    """By target id and folder (``storage:A/disk incoming``), for those that were asked."""
    spaces: Mapping[str, Space | Unknown] = field(default_factory=dict)
    """By storage target id, likewise."""
    applied: Callable[[Ref], Spec | None] = field(default=lambda _: None)
    """What was applied last of a resource, whatever became of it since; None when never. Filled in by place/."""
    known: Collection[Ref] = ()
    """Everything that was applied. Filled in by place/."""
    files: Callable[[str], Files | None] = field(default=lambda _: None)
    """What a digest stands for. Filled in by place/."""
    locked: Held = field(default_factory=Held)
    """What the rules decided so far hold of storages. Filled in by place/."""

    def offer(self, target_id: str) -> Offer | Unknown:
        """What a target offers."""
        return self.offers.get(target_id, NOT_ASKED)

    def queue(self, ref: Ref) -> Queue | Unknown:
        """A cluster's queue."""
        return self.queues.get(ref, NOT_ASKED)

    def listing(self, about: str) -> Listed | Unknown:
        """The files of a folder."""
        return self.listings.get(about, NOT_ASKED)

    def space(self, target_id: str) -> Space | Unknown:
        """How full a storage is."""
        return self.spaces.get(target_id, NOT_ASKED)

    def down(self, site: str, services: Collection[str] = ()) -> str:
        """Why nothing new is put on these services of a site, or on the site; "" when nothing is known against it."""
        for outage in self.outages.get(site, ()):
            if outage.strikes(services):
                return outage.told(self.now)
        for service in sorted(services) if self.ailing else ():
            if (site, service) in self.ailing:
                return f"its service {service} is down: {self.ailing[site, service]}"
        return ""

    def less(self, target_id: str, need: Need) -> World:
        """The world in which ``need`` of a target is promised to somebody."""
        offer = self.offer(target_id)
        if isinstance(offer, Unknown) or not need:
            return self
        return replace(self, offers={**self.offers, target_id: offer.less(need)})


NOWHERE = World()
"""A world of which nothing is known."""
