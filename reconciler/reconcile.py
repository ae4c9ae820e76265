"""The whole program on one page: read it top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from reconciler import (
    apply,
    authority,
    fresh,
    graph,
    hindsight,
    incoming,
    keeping,
    lifetimes,
    locking,
    manifest,
    observe,
    place,
    plan,
    records,
    source,
    suppose,
    untrusted,
)
from reconciler.apply import Conduct, Executor, Work
from reconciler.kinds import Kind, registry
from reconciler.manifest.located import located
from reconciler.model import Graph, Inventory, Observed, Plan, Policy, Reason, Ref, Report
from reconciler.policies import placing, policy
from reconciler.ports import Drivers
from reconciler.records.lease import Fence
from reconciler.records.store import Store
from reconciler.settings import Settings


@dataclass
class House:
    """What every reconcile needs. A daemon keeps one; its memory makes the next plan cheap."""

    settings: Settings
    drivers: Drivers
    store: Store
    memory: manifest.Memory
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    kinds: Mapping[str, Kind[Any]] = field(default_factory=registry)
    earlier: Graph | None = None
    held: Inventory | None = None
    offers: observe.Offers = field(default_factory=observe.Offers)
    readings: observe.Readings = field(default_factory=observe.Readings)
    progress: Callable[[str], None] = lambda _target: None
    against: str = ""
    """Since which revision it counts who made a change, where the records know of nothing that was accepted."""
    fence: Fence | None = None
    """The lease that this process holds: nothing is begun once somebody else has it."""
    memberships: authority.Memberships = field(default_factory=authority.Memberships)
    """Who is in which team of the forge, as it said a few minutes ago."""
    verify: bool = True
    """Whether commits must be signed as the settings ask; not where nothing is done by them."""


@dataclass(frozen=True)
class Proposal:
    """A plan and what it rests on."""

    plan: Plan
    graph: Graph
    observed: Observed
    inventory: Inventory
    policy: Policy
    saved: bool = False
    """True for a plan that was made earlier: everything is looked at once more just before it is done."""
    come: incoming.Incoming | None = None
    """How the branch stands that it was read from."""
    judged: authority.Judged | None = None
    """What of the commit counts, by who made it and who agreed."""
    stale: Mapping[Ref, frozenset[str]] = field(default_factory=dict)
    """What is not done on the strength of these readings, and the targets that must be read before, in one run."""


Due = Callable[[Graph, Inventory], frozenset[str] | None]
"""Which targets are to be read, once it is known what git says; None for all."""


def propose(
    house: House,
    revision: str,
    *,
    worktree: bool = False,
    wish: place.Wish = place.KEEP,
    down: Sequence[suppose.Down] = (),
    trust: str = "",
    due: Due | None = None,
) -> Proposal:
    """What would be done for this commit. Changes nothing: CI runs this on a pull request.

    ``wish`` says how choices that were made before are looked upon: they are kept, unless one asks for better ones.
    ``down`` is supposed to be out of order: what if? With ``trust`` only back ends are contacted that this revision
    describes: what a pull request brings is data. ``due`` says which targets are read; of the others counts what they
    said when they were read last in this process. Without it all are.
    """
    settings, kinds = house.settings, house.kinds
    drivers = suppose.drivers(house.drivers, down)
    repository, paths = Path(settings.source.repository), settings.source.paths
    come = incoming.chosen(settings, house.store, revision, worktree=worktree, verify=house.verify)
    read = source.read(repository, come.revision, worktree=worktree, paths=paths, earlier=house.memory.revision)
    resources = manifest.load(read, kinds, manifest.RuleSettings(settings.rules, settings.secrets), house.memory)
    judged = authority.judge(house, come, resources, worktree=worktree, trust=trust)
    resources = judged.resources
    earlier, house.earlier = house.earlier, None  # a graph that cannot be built leaves none to build the next one on
    with located(read):
        ordered = house.earlier = graph.build(resources, kinds, drivers, earlier)
        ordered = hindsight.over(ordered, repository, read, Path(settings.cache), house.clock())
    if not judged.whole:
        house.earlier = None  # what is held back now may count next time, although git has not moved
    house.memory.ordered = judged.whole
    ordered = suppose.without(ordered, down)
    drivers = untrusted.drivers(drivers, untrusted.described(house, trust), ordered) if trust else drivers
    inventory = house.held = keeping.inventory(house.store, house.held)
    ordered = lifetimes.over(ordered, kinds, house.clock(), house.store.events.made, inventory.entries)
    patience, workers = settings.observe.deadline_seconds, settings.observe.workers
    look = partial(observe.observe, deadline_seconds=patience, workers=workers, progress=house.progress)
    memory, run = house.readings, keeping.latest(house.store) if due else ""
    asked = due(ordered, inventory) if due else None
    seen = look(
        ordered,
        inventory,
        kinds,
        drivers,
        memory.earlier(asked, ordered, inventory, run) if asked is not None else None,
    )
    ask = partial(
        observe.world,
        memory=house.offers,
        now=house.clock(),
        policy=placing(settings),
        afresh=wish.afresh,
        deadline_seconds=patience,
        workers=workers,
    )
    world = ask(ordered, seen, inventory, kinds, drivers)
    placed = place.place(ordered, world, inventory, kinds, drivers, wish)
    inventory = keeping.apart(inventory, placed)
    if placed is not ordered:
        seen = look(placed, inventory, kinds, drivers, memory.still(seen, placed, inventory))
    if due:
        memory.keep(seen, placed, inventory, house.clock(), run)
    placed = place.promise(placed, observe.after(world, placed, seen, inventory, kinds), kinds)
    rules = policy(settings, placed, house.store, house.clock(), unverified=come.unverified)
    placed = incoming.remarked(placed, come)
    made = plan.plan(placed, seen, inventory, authority.respecting(rules, judged), kinds, world)
    told, judged = judged.authority, authority.followed_up(house, judged, made, placed, inventory)
    rules = authority.respecting(rules, judged)
    if judged.authority is not told:
        made = plan.plan(placed, seen, inventory, rules, kinds, world)
    stale = fresh.lacking(made, placed, inventory, seen, kinds)
    return Proposal(made, placed, seen, inventory, rules, come=come, stale=stale, judged=judged)


def reconcile(house: House, proposal: Proposal, executor: Executor, conduct: Conduct, who: str) -> Report:
    """Do it, write down what became of it, and say so."""
    plan_, placed, seen = proposal.plan, proposal.graph, proposal.observed
    incoming.settle(house.store, proposal.come)
    authority.settle(house.store, proposal.judged, proposal.come)
    locking.begin(house.store, plan_, placed, seen)
    house.held = None  # a run is told from the one before by its time, and time may be put back
    with keeping.run(house.store, plan_, placed, proposal.inventory, seen, who, house.fence) as run:
        work = Work(
            plan_, placed, seen.applied, house.kinds, house.drivers, run.id, seen.results, recheck=proposal.saved
        )
        unread = {ref: (Reason.OBSERVATION_STALE, fresh.said(targets)) for ref, targets in proposal.stale.items()}
        outcomes = apply.apply(work, run.journal, executor, replace(conduct, held={**conduct.held, **unread}))
        locking.settle(house.store, plan_, placed, seen, outcomes)
        return records.record(house.store, run.id, plan_, outcomes, seen, proposal.policy)
