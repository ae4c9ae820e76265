"""A simulation: each policy on a world of its own, from the first job to the last node, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.simulation.clues import Clues
from reconciler.simulation.scalers import Fixed, Hanse, Scaler
from reconciler.simulation.scenario import Contender, Scenario
from reconciler.simulation.workload import Task
from reconciler.simulation.world import Point, World

_HOUR = 3600.0
_PATIENCE = 86_400.0
"""Seconds in which jobs wait and none runs, after which none will."""


@dataclass(frozen=True)
class Result:
    """What one policy did with the workload. Waits in seconds, costs in node hours."""

    policy: str
    jobs: int
    unserved: int
    """Jobs that never started."""
    wait_mean: float
    wait_p50: float
    wait_p95: float
    wait_max: float
    node_hours: float
    waste_hours: float
    """Node hours without a job: booting, idle, stopping."""
    boots: int
    failed_boots: int
    makespan_hours: float
    """From the first submission to the end of the last job."""
    points: tuple[Point, ...] = field(repr=False)
    log: tuple[tuple[float, str], ...] = field(repr=False)


def simulate(scenario: Scenario, tasks: Sequence[Task]) -> tuple[Result, ...]:
    """Every policy of the scenario over the same jobs."""
    return tuple(_one(scenario, contender, tasks) for contender in scenario.policies)


def _one(scenario: Scenario, contender: Contender, tasks: Sequence[Task]) -> Result:
    groups = scenario.grouped(contender)
    world = World(groups, tasks, scenario.boot, scenario.seed, scenario.batch.discipline)
    scaler: Scaler
    match contender.algorithm:
        case "hanse":
            scaler = Hanse(groups)
        case "clues":
            scaler = Clues(groups, contender.reconsiderJobSeconds)
        case "fixed":
            scaler = Fixed(groups)
    _play(world, scaler, contender.lookSeconds)
    return _result(contender.name, world, scaler, tasks)


def _play(world: World, scaler: Scaler, period: float) -> None:
    """Look at every multiple of ``period`` before which something has happened, or to which the policy wanted."""
    world.advance(0.0)
    again = scaler.look(world)
    progress, since = 0, 0.0
    while world.now - since < _PATIENCE or world.running or not world.queued:
        due = min((at for at in (world.next_event, again) if at is not None), default=None)
        if due is None:
            return
        world.advance(max(math.ceil(due / period) * period, world.now + period))
        again = scaler.look(world)
        if world.running or progress != len(world.started) + len(world.queued):
            progress, since = len(world.started) + len(world.queued), world.now


def _result(policy: str, world: World, scaler: Scaler, tasks: Sequence[Task]) -> Result:
    waits = sorted(world.started[task.id] - task.submitted for task in tasks if task.id in world.started)
    return Result(
        policy=policy,
        jobs=len(tasks),
        unserved=len(tasks) - len(waits),
        wait_mean=sum(waits) / len(waits) if waits else 0.0,
        wait_p50=_percentile(waits, 0.5),
        wait_p95=_percentile(waits, 0.95),
        wait_max=waits[-1] if waits else 0.0,
        node_hours=world.paid.existing / _HOUR,
        waste_hours=(world.paid.existing - world.paid.busy) / _HOUR,
        boots=world.boots,
        failed_boots=world.failed_boots,
        makespan_hours=world.ended / _HOUR,
        points=tuple(world.points),
        log=tuple(scaler.log),
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; 0.0 of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
