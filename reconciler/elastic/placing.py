"""Queued jobs, first come first fit, on what serves and boots; nodes to boot for what does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.elastic.fit import Need, Room, first_fit, need_of, room_in, serves, smallest
from reconciler.elastic.nouns import Boot, Group, JobDecision
from reconciler.elastic.survey import Muster
from reconciler.ports.batch import Job

_NEVER, _EVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
_BEHIND = "it is behind a job that cannot be placed yet"
_SOON = timedelta(hours=1)
"""Nodes are started, and kept, for a job that waits for others to end, when these must end within so long."""


@dataclass
class Placing:
    """Where jobs go, and what has to be booted for them."""

    musters: Mapping[str, Muster]
    rooms: list[Room]
    now: datetime
    boot: list[Boot] = field(default_factory=list)
    waiting: list[JobDecision] = field(default_factory=list)
    aside: list[JobDecision] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    """Groups that a job waits for which cannot be placed: nothing is booted there for those behind it."""
    may: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Group -> how many more nodes there may be, and how many at once."""
    free_by: dict[str, datetime] = field(default_factory=dict)
    """Node -> when the limits of its jobs have ended them all; those without a limit are left out."""
    cautious: dict[str, bool] = field(default_factory=dict)
    """Groups whose boots fail: one at a time, also for a job of several nodes."""
    behind: set[tuple[object, ...]] = field(default_factory=set)
    """What jobs asked for that fit nowhere and are behind others: until a node is added, the next fit nowhere too."""
    widest: dict[tuple[object, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.may = {name: muster.may_boot(self.now) for name, muster in self.musters.items()}
        self.cautious = {name: muster.cautious(self.now) for name, muster in self.musters.items()}

    def place(self, jobs: Sequence[Job]) -> None:
        """Place every queued job, in the order in which the batch system would start them."""
        self.free_by = _free_by(jobs)
        groups = [muster.group for muster in self.musters.values()]
        for job in sorted(jobs, key=lambda j: (-j.priority, j.submitted, j.id)):
            if job.state == "held":
                self.aside.append(JobDecision(job.id, f"held: {job.reason or 'the batch system does not say why'}"))
            elif job.state == "queued" and _asked(job) in self.behind:
                self.waiting.append(JobDecision(job.id, _BEHIND))
            elif job.state == "queued":
                self._one(job, smallest([group for group in groups if serves(group, job)]))

    def spare(self, group: str) -> list[Room]:
        """Rooms of the group with nothing to do and nothing to come."""
        return [room for room in self.rooms if room.group == group and room.spare]

    def claimed(self) -> dict[str, str]:
        """Node -> the first queued job that was placed on it."""
        return {room.name: room.placed[0] for room in self.rooms if room.placed}

    def more(self, group: Group, job: str, reason: str) -> Room:
        """Boot one more node."""
        room, at_once = self.may[group.name]
        self.may[group.name] = room - 1, at_once - 1
        self.boot.append(Boot(group.name, job, reason))
        made = room_in(group, f"{group.name}+{len(self.boot)}", "new")
        self.rooms.append(made)
        self.behind.clear()
        return made

    def _one(self, job: Job, groups: list[Group]) -> None:
        need = need_of(job, self._widest(job, groups))
        fitting = [group for group in groups if room_in(group, "", "new").takes(job, need)]
        found = first_fit(job, need, self.rooms)
        if len(found) < need.nodes:
            too_large = self._never(job, need, fitting)
            if too_large:
                self.aside.append(JobDecision(job.id, too_large))
                return
            found = self._with_new(job, need, fitting, found)
        for room in found:
            room.put(job, need)

    def _widest(self, job: Job, groups: list[Group]) -> int:
        """CPUs of the largest node that the job may run on."""
        key = (job.partition, *(group.name for group in groups))
        if key not in self.widest:
            self.widest[key] = max((room.size for room in self._listed(job, groups)), default=0)
        return self.widest[key]

    def _listed(self, job: Job, groups: list[Group]) -> Iterator[Room]:
        yield from (room_in(group, "", "new") for group in groups)
        yield from (
            room for room in self.rooms if not job.partition or job.partition in (room.partitions or (job.partition,))
        )

    def _never(self, job: Job, need: Need, fitting: list[Group]) -> str:
        """Why the job fits on no node that there is or may be; "" when it does."""
        names = {group.name for group in fitting}
        others = sum(room.group not in names and room.size >= need.cpus for room in self._listed(job, []))
        most = sum(group.max for group in fitting) + others
        if most >= need.nodes:
            return ""
        asked = f"{need.nodes} x {_said(need)}"
        partition = f" of partition {job.partition}" if job.partition else ""
        if not most:
            return f"it needs {asked}, and no group{partition} has such nodes"
        return f"it needs {asked}, and there may never be more than {most} such nodes{partition}"

    def _with_new(self, job: Job, need: Need, fitting: list[Group], found: list[Room]) -> list[Room]:
        missing = need.nodes - len(found)
        names = {group.name for group in fitting}
        if not fitting or names & self.blocked:
            self.waiting.append(JobDecision(job.id, _BEHIND if fitting else "only nodes of others can run it"))
            if fitting:
                self.behind.add(_asked(job))
            return []
        room, at_once = (sum(self.may[name][n] for name in names) for n in (0, 1))
        if room < missing and not self._soon(job, need, fitting, missing - room):
            self.blocked |= names
            self.waiting.append(JobDecision(job.id, f"needs {missing} more nodes, and there may be {room} more"))
            return []
        together = sum(self.may[name][0] for name in names if self.may[name][1] > 0 and not self.cautious[name])
        wanted = min(missing, max(together, at_once))
        if wanted < missing:
            self.blocked |= names
            limit = (
                "may be started while others boot" if wanted < room else "are there soon, when jobs reach their limits"
            )
            self.waiting.append(JobDecision(job.id, f"needs {missing} more nodes, {wanted} {limit}"))
        return [*found, *self._booted(job, need, fitting, wanted)]

    def _soon(self, job: Job, need: Need, fitting: list[Group], short: int) -> bool:
        """Whether so many more nodes are sure to be free soon."""
        names = {group.name for group in fitting}
        full = [room.name for room in self.rooms if room.group in names and not room.takes(job, need)]
        return sum(self.free_by.get(name, _NEVER) <= self.now + _SOON for name in full) >= short

    def _booted(self, job: Job, need: Need, fitting: list[Group], wanted: int) -> Iterator[Room]:
        made: Counter[str] = Counter()
        on = f"{need.nodes} nodes of {_said(need)}" if need.nodes > 1 else _said(need)
        reason = f"job {job.id} needs {on}, and no node that serves or boots has room"
        for group in fitting:
            room, at_once = self.may[group.name]
            most = min(room, at_once) if self.cautious[group.name] else room if at_once > 0 else 0
            while sum(made.values()) < wanted and made[group.name] < most:
                made[group.name] += 1
                yield self.more(group, job.id, reason)


def _asked(job: Job) -> tuple[object, ...]:
    """All that decides where a job fits."""
    each = job.cpus_per_task, job.memory_mib, job.memory_mib_per_cpu, job.gpus
    return job.partition, job.cpus, job.nodes, each, job.exclusive, job.features


def _free_by(jobs: Iterable[Job]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for job in jobs:
        for node in job.on:
            found[node] = max(found.get(node, _EVER), job.ends_by or _NEVER)
    return found


def _said(need: Need) -> str:
    parts = [f"{need.cpus} CPU{'s' * (need.cpus != 1)}"]
    parts += [f"{need.memory_mib:,} MiB"] * bool(need.memory_mib)
    parts += [f"{need.gpus} GPU{'s' * (need.gpus != 1)}"] * bool(need.gpus)
    return ", ".join(parts)
