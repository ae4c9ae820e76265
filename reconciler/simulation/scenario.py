"""The file of a simulation: nodes, how they boot, the jobs, and the policies to be compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.elastic import Elasticity, Group
from reconciler.model.spec import Strict
from reconciler.simulation.workload import Seconds, Workload

Count = Annotated[int, Field(ge=0, le=10_000)]


class SimulatedGroup(Strict):
    """Nodes of one make, as in a VirtualCluster."""

    name: Annotated[str, Field(min_length=1)] = "workers"
    min: Count = 0
    max: Annotated[int, Field(ge=1, le=10_000)]
    cpus: Annotated[int, Field(ge=1, le=4096)]
    memoryMiB: Annotated[int, Field(ge=0)] = 0
    """0: memory is not looked at."""
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    elasticity: Elasticity = Elasticity()


class Booting(Strict):
    """How nodes come and go."""

    seconds: Seconds = 120.0
    """From the wish for a node until it serves."""
    jitterSeconds: Seconds = 0.0
    """A boot takes up to so much longer."""
    stopSeconds: Seconds = 30.0
    """From the wish to be rid of a node until it costs nothing."""
    failureProbability: Annotated[float, Field(ge=0, le=1)] = 0.0
    """A node that fails hangs: it costs, and never serves."""


class BatchSystem(Strict):
    """How jobs are started."""

    discipline: Literal["fifo", "backfill"] = "fifo"
    """fifo: strictly in order; backfill: also later ones that end before the first could start."""


class Contender(Strict):
    """One policy to compare."""

    name: Annotated[str, Field(min_length=1)]
    algorithm: Literal["hanse", "clues", "fixed"] = "hanse"
    """hanse: what runs the clusters; clues: the scheduler of CLUES; fixed: all nodes, all the time."""
    elasticity: Elasticity | None = None
    """Instead of that of the groups."""
    lookSeconds: Annotated[float, Field(ge=0.1, le=3600)] = 5.0
    """How often queue and nodes are read."""
    reconsiderJobSeconds: Seconds = 60.0
    """clues: a job must wait so long before nodes are started for it."""


class Scenario(Strict):
    """A simulation."""

    seed: int = 1
    groups: Annotated[tuple[SimulatedGroup, ...], Field(min_length=1)]
    boot: Booting = Booting()
    batch: BatchSystem = BatchSystem()
    workload: Workload
    policies: tuple[Contender, ...] = (Contender(name="hanse"), Contender(name="clues", algorithm="clues"))

    def grouped(self, contender: Contender) -> tuple[Group, ...]:
        """The groups under a contender's policy."""
        return tuple(
            Group(g.name, g.min, g.max, g.cpus, g.memoryMiB, g.gpus, policy=contender.elasticity or g.elasticity)
            for g in self.groups
        )
