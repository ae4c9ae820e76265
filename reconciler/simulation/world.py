"""The simulated cluster: nodes that boot, fail, serve and stop, and a batch system that starts jobs on them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from random import Random
from typing import Literal

from reconciler.elastic import Group, Machine
from reconciler.elastic.fit import Need, Room, first_fit, need_of
from reconciler.ports.batch import BatchNode, Job, Queue
from reconciler.simulation.scenario import Booting
from reconciler.simulation.workload import Task

_START = datetime(2026, 1, 1, tzinfo=UTC)
_BOUNDLESS = 1 << 62


@lru_cache(maxsize=65536)
def instant(seconds: float) -> datetime:
    """A moment of the simulation as a time."""
    return _START + timedelta(seconds=seconds)


def seconds(at: datetime) -> float:
    """The same, back."""
    return (at - _START).total_seconds()


@dataclass(slots=True, eq=False)
class Node:
    """One simulated node."""

    name: str
    group: Group
    room: Room
    asked: float
    state: Literal["booting", "up", "stopping"] = "booting"
    up: float | None = None
    idle_since: float | None = None
    jobs: dict[str, Need] = field(default_factory=dict)


@dataclass(slots=True)
class Paid:
    """What nodes have cost so far: seconds of nodes that exist, and of those with a job."""

    existing: float = 0.0
    busy: float = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """How many there were from ``at`` on."""

    at: float
    nodes: int
    busy: int
    queued: int


class World:
    """Virtual time, nodes and jobs. ``step`` goes to the next event; ``boot`` and ``stop`` are what a policy may do."""

    def __init__(
        self, groups: Sequence[Group], tasks: Sequence[Task], booting: Booting, seed: int, discipline: str = "fifo"
    ) -> None:
        self.groups = {group.name: group for group in groups}
        self.booting, self.discipline = booting, discipline
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.quarantined: dict[str, Machine] = {}
        self.queued: dict[str, Task] = {}
        self.running: dict[str, tuple[Task, list[Node]]] = {}
        self.started: dict[str, float] = {}
        self.ended = 0.0
        """When the last job ended."""
        self.boots = self.failed_boots = 0
        self.paid, self.points = Paid(), [Point(0.0, 0, 0, 0)]
        self._random = Random(f"{seed}-boot")  # noqa: S311
        self._jobs = {task.id: _job(task) for task in tasks}
        self._events: list[tuple[float, int, str, str]] = []
        self._jobs_running: dict[str, Job] = {}
        self._count = count()
        self._tasks = {task.id: task for task in tasks}
        widest = max((group.cpus for group in groups), default=0)
        self._needs = {name: need_of(job, widest) for name, job in self._jobs.items()}
        for task in tasks:
            self._push(task.submitted, "submit", task.id)

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def next_event(self) -> float | None:
        """When something happens next; None: never."""
        return self._events[0][0] if self._events else None

    def advance(self, until: float) -> bool:
        """Go to ``until`` and let happen what is due by then; whether anything did."""
        moved = False
        while self._events and self._events[0][0] <= until:
            at = self._events[0][0]
            self._pass(at)
            while self._events and self._events[0][0] == at:
                _, _, what, name = heapq.heappop(self._events)
                moved |= self._happen(what, name)
            self._start_jobs()
            self._note()
        self._pass(until)
        return moved

    def _pass(self, until: float) -> None:
        span = until - self.now
        if span > 0:
            self.paid.existing += span * len(self.nodes)
            self.paid.busy += span * sum(bool(node.jobs) for node in self.nodes.values())
            self.now = until

    def _push(self, at: float, what: str, name: str) -> None:
        heapq.heappush(self._events, (at, next(self._count), what, name))

    def _happen(self, what: str, name: str) -> bool:
        if what == "submit":
            self.queued[name] = self._tasks[name]
        elif what == "end":
            self._end(name)
        elif what == "up" and (node := self.nodes.get(name)) is not None and node.state == "booting":
            node.state, node.up, node.idle_since = "up", self.now, self.now
        elif what == "gone":
            del self.nodes[name]
        return True

    def _end(self, job: str) -> None:
        _, nodes = self.running.pop(job)
        del self._jobs_running[job]
        self.ended = self.now
        for node in nodes:
            need = node.jobs.pop(job)
            node.room.cpus += need.cpus
            node.room.gpus += need.gpus
            node.room.memory_mib += need.memory_mib
            if not node.jobs:
                node.room.empty, node.idle_since = True, self.now

    def _note(self) -> None:
        busy = sum(bool(node.jobs) for node in self.nodes.values())
        point = Point(self.now, len(self.nodes), busy, len(self.queued))
        if self.points[-1].at == self.now:
            self.points[-1] = point
        else:
            self.points.append(point)

    # -- the batch system ----------------------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        shadow: dict[str, float] = {}
        rooms = [node.room for node in self._up()]
        for task in list(self.queued.values()):
            if task.partition in shadow and self.discipline == "fifo":
                continue
            need = self._needs[task.id]
            found = first_fit(self._jobs[task.id], need, rooms)
            if len(found) < need.nodes:
                shadow.setdefault(task.partition, self._could_start(task))
            elif task.partition not in shadow or self.now + _limit(task) <= shadow[task.partition]:
                self._start(task, need, [self.nodes[room.name] for room in found])

    def _start(self, task: Task, need: Need, nodes: list[Node]) -> None:
        del self.queued[task.id]
        self.running[task.id] = task, nodes
        self._jobs_running[task.id] = replace(
            self._jobs[task.id], state="running", started=instant(self.now),
            ends_by=instant(self.now + _limit(task)), on=tuple(node.name for node in nodes),
        )  # fmt: skip
        self.started[task.id] = self.now
        self._push(self.now + task.runtime, "end", task.id)
        for node in nodes:
            node.room.cpus -= need.cpus
            node.room.gpus -= need.gpus
            node.room.memory_mib -= need.memory_mib
            node.room.empty, node.idle_since = False, None
            node.jobs[task.id] = need

    def _could_start(self, task: Task) -> float:
        """When a job that waits could start at the latest, by the limits of those that run; inf: not by these."""
        need = self._needs[task.id]
        free = sum(node.room.takes(self._jobs[task.id], need) for node in self._up())
        ends: dict[str, float] = {}
        for other, nodes in self.running.values():
            for node in nodes:
                ends[node.name] = max(ends.get(node.name, 0.0), self.started[other.id] + _limit(other))
        times = sorted(ends.values())
        missing = need.nodes - free
        return times[missing - 1] if 0 < missing <= len(times) else float("inf")

    def _up(self) -> list[Node]:
        return sorted((node for node in self.nodes.values() if node.state == "up"), key=lambda node: node.name)

    # -- what a policy sees and does -----------------------------------------------------------------------------------

    def job(self, name: str) -> Job:
        """The job of that name, as it was submitted."""
        return self._jobs[name]

    def queue(self) -> Queue:
        """The reading that the batch system would give now."""
        jobs = [self._jobs[name] for name in self.queued]
        jobs += [self._jobs_running[name] for name in self.running]
        return Queue(tuple(jobs), tuple(_seen(node) for node in self.nodes.values() if node.state == "up"))

    def machines(self) -> tuple[Machine, ...]:
        """The reading that the cloud would give now, with the names in quarantine."""
        states = {"booting": "starting", "up": "running", "stopping": "stopping"}
        there = [Machine(n.name, n.group.name, states[n.state], instant(n.asked)) for n in self.nodes.values()]  # type: ignore[arg-type]
        return (*there, *self.quarantined.values())

    def boot(self, group: str, name: str = "") -> None:
        """Ask for one more node; with or without a name of its own."""
        self.boots += 1
        made = self.groups[group]
        name = name or self._free_name(group)
        room = Room(
            name, group, "serving", made.policy.partitions, frozenset(made.features),
            made.cpus, made.cpus, made.memory_mib or _BOUNDLESS, made.gpus,
        )  # fmt: skip
        self.nodes[name] = Node(name, made, room, self.now)
        fails = self._random.random() < self.booting.failureProbability
        late = self._random.random() * self.booting.jitterSeconds
        if fails:
            self.failed_boots += 1
        else:
            self._push(self.now + self.booting.seconds + late, "up", name)
        self._note()

    def _free_name(self, group: str) -> str:
        number = 1
        while (name := f"{group}-{number:04d}") in self.nodes or name in self.quarantined:
            number += 1
        return name

    def stop(self, name: str) -> None:
        """Take a node away. Raises ValueError for one with a job: no policy may do that."""
        node = self.nodes[name]
        if node.jobs:
            message = f"{name} runs {', '.join(node.jobs)}"
            raise ValueError(message)
        if node.state != "stopping":
            node.state = "stopping"
            self._push(self.now + self.booting.stopSeconds, "gone", name)

    def quarantine(self, name: str) -> None:
        """Take a node away, and do not use its name for a while."""
        self.quarantined[name] = Machine(name, self.nodes[name].group.name, "quarantined", instant(self.now))
        self.stop(name)

    def release(self) -> None:
        """Let names go whose quarantine is over."""
        for name, machine in list(self.quarantined.items()):
            policy = self.groups[machine.group].policy
            if self.now - seconds(machine.since) >= policy.quarantineSeconds:
                del self.quarantined[name]


def _limit(task: Task) -> float:
    return task.limit if task.limit is not None else task.runtime * 2


def _job(task: Task) -> Job:
    return Job(
        task.id, "queued", task.partition, instant(task.submitted),
        cpus=task.cpus, nodes=task.nodes, memory_mib=task.memory_mib, gpus=task.gpus,
    )  # fmt: skip


def _seen(node: Node) -> BatchNode:
    room, group = node.room, node.group
    assert node.up is not None  # noqa: S101
    return BatchNode(
        node.name,
        "busy" if node.jobs else "idle",
        room.partitions,
        group.cpus,
        group.memory_mib,
        group.gpus,
        cpus_allocated=group.cpus - room.cpus,
        memory_mib_allocated=group.memory_mib - room.memory_mib if group.memory_mib else 0,
        gpus_allocated=group.gpus - room.gpus,
        jobs=tuple(node.jobs),
        idle_since=None if node.idle_since is None else instant(node.idle_since),
        up_since=instant(node.up),
    )
