"""Jobs of a simulation: written down one by one, or generated from a few numbers and a seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.spec import Strict

Whole = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Positive = Annotated[float, Field(gt=0, le=1e9)]
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Task:
    """One job: when it comes, how long it runs, what it asks for. Seconds from the start; memory in MiB."""

    id: str
    submitted: float
    runtime: float
    cpus: int = 1
    nodes: int = 1
    memory_mib: int = 0
    gpus: int = 0
    partition: str = ""
    limit: float | None = None
    """Its time limit in seconds."""


class Shape(Strict):
    """What every job of a generator asks for."""

    cpusPerNode: tuple[Whole, ...] = (1,)
    """CPUs on each of a job's nodes; one of these is drawn for each job."""
    nodes: tuple[Whole, ...] = (1,)
    """Nodes; one of these is drawn for each job."""
    memoryMiB: Annotated[int, Field(ge=0)] = 0
    """Per node; 0: not said."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """Per node."""
    partition: str = ""


class Burst(Shape):
    """Many jobs at one moment."""

    jobs: Whole
    runSeconds: Positive
    atSeconds: Seconds = 0.0


class Sparse(Shape):
    """One job, then nothing for long, and again."""

    jobs: Whole
    everySeconds: Positive
    runSeconds: Positive


class Poisson(Shape):
    """Jobs that come independently of each other; run times spread as of many users (log-normal)."""

    hours: Positive
    perHour: Positive
    meanRunSeconds: Positive
    spread: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Sigma of the logarithm of run times; 0: all alike."""


class Diurnal(Poisson):
    """The same, more by day than by night; ``perHour`` is the busiest hour's."""

    nightFraction: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Jobs of the quietest hour, as a part of the busiest hour's."""
    busiestHour: Annotated[float, Field(ge=0, le=24)] = 14.0


class WrittenJob(Strict):
    """One job."""

    atSeconds: Seconds = 0.0
    runSeconds: Positive
    cpus: Whole = 1
    """In total."""
    nodes: Whole = 1
    memoryMiB: Annotated[int, Field(ge=0)] = 0
    gpus: Annotated[int, Field(ge=0)] = 0
    partition: str = ""
    limitSeconds: Positive | None = None


class Trace(Strict):
    """Jobs that once ran."""

    file: Annotated[str, Field(min_length=1)]
    """Path from the folder of the simulation's file."""
    format: Literal["swf", "sacct"]
    """swf: Standard Workload Format; sacct: what ``sacct -P --format=...`` prints, with its head line."""


class Workload(Strict):
    """Where the jobs come from; several sources are merged."""

    burst: Burst | None = None
    sparse: Sparse | None = None
    poisson: Poisson | None = None
    mpi: Poisson | None = None
    """Jobs of several nodes: give ``nodes``."""
    diurnal: Diurnal | None = None
    jobs: tuple[WrittenJob, ...] = ()
    trace: Trace | None = None


def generated(workload: Workload, seed: int) -> Iterator[Task]:
    """Every job that is generated or written down; the same seed, the same jobs."""
    for name, made in (("burst", workload.burst), ("sparse", workload.sparse), ("poisson", workload.poisson)):
        if made is not None:
            yield from _drawn(name, made, Random(f"{seed}-{name}"))  # noqa: S311
    for name, drawn in (("mpi", workload.mpi), ("diurnal", workload.diurnal)):
        if drawn is not None:
            yield from _drawn(name, drawn, Random(f"{seed}-{name}"))  # noqa: S311
    for number, job in enumerate(workload.jobs, 1):
        yield Task(
            f"job-{number}", job.atSeconds, job.runSeconds, job.cpus, job.nodes,
            job.memoryMiB, job.gpus, job.partition, job.limitSeconds,
        )  # fmt: skip


def _drawn(name: str, made: Burst | Sparse | Poisson, random: Random) -> Iterator[Task]:
    for number, (at, runtime) in enumerate(_times(made, random), 1):
        nodes = random.choice(made.nodes)
        cpus = random.choice(made.cpusPerNode) * nodes
        task = Task(f"{name}-{number:05d}", at, runtime, cpus, nodes)
        yield replace(task, memory_mib=made.memoryMiB, gpus=made.gpus, partition=made.partition)


def _times(made: Burst | Sparse | Poisson, random: Random) -> Iterator[tuple[float, float]]:
    """(submitted, run time) of each job, in seconds."""
    match made:
        case Burst():
            yield from ((made.atSeconds, made.runSeconds) for _ in range(made.jobs))
        case Sparse():
            yield from ((n * made.everySeconds, made.runSeconds) for n in range(made.jobs))
        case Poisson():
            for at in _arrivals(made, random):
                mean = math.log(made.meanRunSeconds) - made.spread**2 / 2
                yield round(at, 1), max(1.0, round(random.lognormvariate(mean, made.spread), 1))


def _arrivals(made: Poisson, random: Random) -> Iterator[float]:
    """Thinning: candidates at the highest rate, each kept with the probability of its hour."""
    at = random.expovariate(made.perHour / 3600)
    while at < made.hours * 3600:
        if random.random() < _share(made, at):
            yield at
        at += random.expovariate(made.perHour / 3600)


def _share(made: Poisson, at: float) -> float:
    if not isinstance(made, Diurnal):
        return 1.0
    day = (1 + math.cos((at - made.busiestHour * 3600) / _DAY * 2 * math.pi)) / 2
    return made.nightFraction + (1 - made.nightFraction) * day**2


def ordered(tasks: Iterable[Task]) -> list[Task]:
    """Jobs in the order in which they come, the first at 0."""
    found = sorted(tasks, key=lambda task: (task.submitted, task.id))
    first = found[0].submitted if found else 0.0
    return [replace(task, submitted=task.submitted - first) for task in found]
