"""The batch port: a cluster's queue and nodes as its batch system shows them, and what may be asked of it.

Elasticity decides on a ``Queue`` alone, so whatever reads one (Slurm today) says here what its states mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from reconciler.model.job import JobUse

JobState = Literal["queued", "held", "running", "completing"]
"""queued: waits for resources or its turn; held: no node could make it start (held by somebody, a dependency, a limit
of its account, a begin time to come); completing: over, and still on its nodes."""

BatchNodeState = Literal["idle", "busy", "booting", "draining", "drained", "down", "stopping", "off"]
"""idle: serves, without a job; busy: serves, with jobs (perhaps with room for more); booting: powering up or not
registered yet; draining: takes no new job and has some; drained: takes no new job and has none; down: registered
before and silent now, or failed; stopping: powering down; off: known by name and powered down."""

DRAINED_BY_US = "hanse:"
"""How the reason begins that ``Batch.drain`` gives: nodes drained by somebody else are left alone."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job (each task of an array is one). Memory in MiB."""

    id: str
    state: JobState
    partition: str
    submitted: datetime
    """When it could first have started: its submission, or its begin time."""
    cpus: int = 1
    """In total, over all its nodes."""
    nodes: int = 1
    """At least so many."""
    cpus_per_task: int = 1
    """CPUs that must be on one node."""
    memory_mib: int = 0
    """Per node; 0: not said."""
    memory_mib_per_cpu: int = 0
    gpus: int = 0
    """Per node."""
    exclusive: bool = False
    """Shares its nodes with no other job."""
    features: tuple[str, ...] = ()
    """Features that each of its nodes must have."""
    priority: int = 0
    """The higher, the earlier; among equals the earlier submitted."""
    started: datetime | None = None
    ends_by: datetime | None = None
    """When its time limit ends it at the latest; None while it is queued, or without a limit."""
    on: tuple[str, ...] = ()
    """Nodes that it holds, also those that still boot for it."""
    reason: str = ""
    """Why it waits, in the batch system's own word: ``Resources``, ``AssocGrpCpuLimit``."""


@dataclass(frozen=True, slots=True)
class BatchNode:
    """One worker as the batch system sees it. Memory in MiB."""

    name: str
    state: BatchNodeState
    partitions: tuple[str, ...]
    cpus: int
    memory_mib: int
    gpus: int = 0
    cpus_allocated: int = 0
    memory_mib_allocated: int = 0
    gpus_allocated: int = 0
    jobs: tuple[str, ...] = ()
    """Jobs that run or complete on it, or for which it boots."""
    features: tuple[str, ...] = ()
    idle_since: datetime | None = None
    """When its last job left it, or it came up without one; None while it has a job, or when this is not known."""
    up_since: datetime | None = None
    flags: frozenset[str] = frozenset()
    """The batch system's own words for its state: ``IDLE``, ``CLOUD``, ``POWERING_UP``, ``DRAIN``."""
    reason: str = ""
    """Why it is drained or down."""
    reason_since: datetime | None = None
    """Since when it is drained or down; None when this is not known."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One reading of a batch system. ``complete`` is False when a part of the answer was missing or not understood."""

    jobs: tuple[Job, ...] = ()
    """Those that wait, run or complete; what is over is left out."""
    nodes: tuple[BatchNode, ...] = ()
    complete: bool = True


class Batch(Protocol):
    """The batch system of one cluster. Everything is safe to repeat."""

    def queue(self) -> Queue:
        """Read all jobs and nodes at once. Raises Transient when it does not answer."""
        ...

    def accounted(self, start: datetime, end: datetime) -> Sequence[JobUse]:
        """Jobs that ended between. Raises Transient, and Terminal where it keeps no accounts."""
        ...

    def drain(self, nodes: Sequence[str], reason: str) -> None:
        """Let no new job start on them; ``reason`` begins with ``DRAINED_BY_US``. Running jobs go on.

        A node that is to be stopped is drained first and read once more: only one that is ``drained`` then may go,
        since a job may have started on it in between.
        """
        ...

    def resume(self, nodes: Sequence[str]) -> None:
        """Let jobs start on them again."""
        ...

    def forget(self, nodes: Sequence[str]) -> None:
        """Take their names off the books once their machines are gone. Raises Conflict for one that has a job."""
        ...
