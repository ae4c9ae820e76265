"""Where a job fits: rooms, which are nodes with what is free on them, and what a job asks of each of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reconciler.elastic.nouns import Group
from reconciler.ports.batch import BatchNode, Job

Stage = Literal["serving", "draining", "booting", "new"]
_STAGES: tuple[Stage, ...] = ("serving", "draining", "booting", "new")
"""What is filled first: nodes that serve; those that stop serving and can be called back; those to come."""
_BOUNDLESS = 1 << 62


class Need(NamedTuple):
    """What a job asks for: so many nodes, and so much on each. Memory in MiB."""

    nodes: int
    cpus: int
    memory_mib: int
    gpus: int


@dataclass(slots=True, eq=False)
class Room:
    """What is free on a node that is there, or will be."""

    name: str
    group: str
    """"" for a node that is none of ours."""
    stage: Stage
    partitions: tuple[str, ...]
    """Empty: all."""
    features: frozenset[str]
    size: int
    """CPUs of the whole node."""
    cpus: int
    memory_mib: int
    gpus: int
    empty: bool = True
    placed: list[str] = field(default_factory=list)
    """Queued jobs that shall run here."""

    def takes(self, job: Job, need: Need) -> bool:
        """Whether one node's share of the job fits now."""
        return (
            self.cpus >= need.cpus
            and self.gpus >= need.gpus
            and self.memory_mib >= need.memory_mib
            and not (job.exclusive and not self.empty)
            and not (self.partitions and job.partition and job.partition not in self.partitions)
            and self.features.issuperset(job.features)
        )

    def put(self, job: Job, need: Need) -> None:
        """Take the job's share from what is free."""
        self.cpus -= self.cpus if job.exclusive else need.cpus
        self.gpus -= need.gpus
        self.memory_mib -= need.memory_mib
        self.empty = False
        self.placed.append(job.id)

    @property
    def spare(self) -> bool:
        """Whether it has nothing to do, and nothing to come."""
        return self.empty and not self.placed and self.stage != "draining"

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """Jobs are placed on the first that fits: nodes at work before empty ones, so that those can go."""
        return _STAGES.index(self.stage), self.empty, self.gpus, self.name


def room_of(node: BatchNode, group: str, stage: Stage) -> Room:
    """What is free on a node of the batch system."""
    memory = node.memory_mib - node.memory_mib_allocated if node.memory_mib else _BOUNDLESS
    cpus, gpus = node.cpus - node.cpus_allocated, node.gpus - node.gpus_allocated
    empty = not node.jobs and not node.cpus_allocated
    features = frozenset(node.features)
    return Room(node.name, group, stage, node.partitions, features, node.cpus, cpus, memory, gpus, empty)


def room_in(group: Group, name: str, stage: Stage) -> Room:
    """A node of the group that is yet to come."""
    memory = group.memory_mib or _BOUNDLESS
    return Room(
        name, group.name, stage, group.policy.partitions, frozenset(group.features),
        group.cpus, group.cpus, memory, group.gpus,
    )  # fmt: skip


def serves(group: Group, job: Job) -> bool:
    """Whether nodes of the group are of the kind that the job asks for, whatever their size."""
    partitions = group.policy.partitions
    listed = not partitions or not job.partition or job.partition in partitions
    return listed and set(job.features) <= set(group.features) and group.gpus >= job.gpus


def need_of(job: Job, widest: int) -> Need:
    """What the job asks of each node, the largest of which has ``widest`` CPUs.

    A job of several nodes is spread evenly; one of one node that is too large for any, and has small tasks, is spread
    over as many as it takes.
    """
    task = max(1, job.cpus_per_task)
    nodes = max(1, job.nodes)
    per_node = widest // task * task
    if nodes * widest < job.cpus and per_node:
        nodes = -(-job.cpus // per_node)
    cpus = -(-max(1, job.cpus) // nodes)
    cpus = -(-cpus // task) * task
    return Need(nodes, cpus, job.memory_mib or job.memory_mib_per_cpu * cpus, job.gpus)


def first_fit(job: Job, need: Need, rooms: Iterable[Room]) -> list[Room]:
    """The first rooms that take the job: as many as it needs, or fewer when there are no more."""
    found: list[Room] = []
    for room in rooms:
        if room.takes(job, need):
            found.append(room)
            if len(found) == need.nodes:
                break
    return found


def smallest(groups: Sequence[Group]) -> list[Group]:
    """Groups in the order in which a job takes them: without accelerators first, then the smaller nodes."""
    return sorted(groups, key=lambda group: (group.gpus, group.cpus, group.memory_mib, group.name))
