"""The whole program on one page: read it top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler import apply, graph, manifest, observe, place, plan, records, source
from reconciler.apply import Conduct, Executor, Pace, Work
from reconciler.kinds import Kind, registry
from reconciler.model import Graph, Inventory, Observed, Plan, Policy, Report
from reconciler.policies import policy
from reconciler.ports import Drivers
from reconciler.settings import Settings


@dataclass
class House:
    """What every reconcile needs. A daemon keeps one; its memory makes the next plan cheap."""

    settings: Settings
    drivers: Drivers
    store: records.Store
    memory: manifest.Memory
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    kinds: Mapping[str, Kind[Any]] = field(default_factory=registry)
    earlier: Graph | None = None
    progress: Callable[[str], None] = lambda _target: None


@dataclass(frozen=True)
class Proposal:
    """A plan and what it rests on."""

    plan: Plan
    graph: Graph
    observed: Observed
    inventory: Inventory
    policy: Policy


def propose(house: House, revision: str, *, worktree: bool = False) -> Proposal:
    """What would be done for this commit. Changes nothing: CI runs this on a pull request."""
    settings, kinds, drivers = house.settings, house.kinds, house.drivers
    repository, paths = Path(settings.source.repository), settings.source.paths
    read = source.read(repository, revision, worktree=worktree, paths=paths)
    resources = manifest.load(read, kinds, manifest.RuleSettings(settings.rules), house.memory)
    ordered = house.earlier = graph.build(resources, kinds, drivers, house.earlier)
    inventory = records.inventory(house.store)
    limits = {"deadline_seconds": settings.observe.deadline_seconds, "workers": settings.observe.workers}
    seen = observe.observe(ordered, inventory, kinds, drivers, progress=house.progress, **limits)
    placed = place.place(ordered, seen, inventory, kinds, drivers)
    seen = observe.observe(placed, inventory, kinds, drivers, seen, progress=house.progress, **limits)
    rules = policy(settings, placed, house.store, house.clock(), verified=read.verified)
    return Proposal(plan.plan(placed, seen, inventory, rules, kinds), placed, seen, inventory, rules)


def reconcile(house: House, proposal: Proposal, executor: Executor, conduct: Conduct, who: str) -> Report:
    """Do it, write down what became of it, and say so."""
    with records.run(house.store, proposal.plan, proposal.graph, proposal.inventory, who) as run:
        work = Work(proposal.plan, proposal.graph, proposal.observed.applied, house.kinds, house.drivers, run.id)
        outcomes = apply.apply(work, run.journal, executor, conduct)
        return records.record(house.store, run.id, proposal.plan, outcomes, proposal.observed, proposal.policy)
