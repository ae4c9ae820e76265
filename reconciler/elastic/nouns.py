"""What elasticity decides about, and what it decides: groups and machines in, decisions out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reconciler.elastic.policy import Elasticity

MachineState = Literal["starting", "running", "stopping", "failed", "quarantined"]
"""As the cloud shows it; quarantined: gone, and its name not to be used for a while."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of workers of one make. Memory in MiB, as the batch system would count it."""

    name: str
    min: int
    max: int
    cpus: int
    memory_mib: int
    gpus: int = 0
    features: tuple[str, ...] = ()
    policy: Elasticity = field(default_factory=Elasticity)


@dataclass(frozen=True, slots=True)
class Machine:
    """A worker as its cloud shows it. ``name`` is also its name in the batch system."""

    name: str
    group: str
    state: MachineState
    since: datetime
    """When it was asked for; of one in quarantine, when that began."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One more node for a group; ``job`` is the id of the first job that it is for, "" for none."""

    group: str
    job: str
    reason: str


@dataclass(frozen=True, slots=True)
class NodeDecision:
    """What becomes of one node."""

    node: str
    group: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobDecision:
    """What is said of one job."""

    job: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is to be done now. Empty is nothing."""

    boot: tuple[Boot, ...] = ()
    stop: tuple[NodeDecision, ...] = ()
    """Without a job: each is drained first, and read once more before its machine goes."""
    quarantine: tuple[NodeDecision, ...] = ()
    """Never came up, or fell silent: the machine goes, the name is not used for a while."""
    resume: tuple[NodeDecision, ...] = ()
    """Drained to be stopped, and needed again."""
    waiting: tuple[JobDecision, ...] = ()
    """Jobs that could run on more nodes than there may be now."""
    aside: tuple[JobDecision, ...] = ()
    """Jobs for which no node is started: held, or too large for every group."""
    note: str = ""
    """Why nothing is decided at all."""
    look_again: datetime | None = None
    """When something else may be decided although nothing has changed; None: never."""

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.boot or self.stop or self.quarantine or self.resume)

    def sentences(self) -> Iterator[str]:
        """What is done and why, a sentence for each."""
        yield from (f"boot a node of {one.group}: {one.reason}" for one in self.boot)
        yield from (f"stop {one.node}: {one.reason}" for one in self.stop)
        yield from (f"quarantine {one.node}: {one.reason}" for one in self.quarantine)
        yield from (f"resume {one.node}: {one.reason}" for one in self.resume)
