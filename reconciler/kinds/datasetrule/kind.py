"""How a rule behaves: it is registered, chooses storages, and rests on the Replicas that its data brings along there.

The same rule in the same federation always chooses the same storages; each that was left out has its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from reconciler.kinds.base import Fault, Federation, Occasion, OpenChoice, Rule, Settled
from reconciler.kinds.dataset.index import Shelf
from reconciler.kinds.datasetrule import elsewhere
from reconciler.kinds.datasetrule.account import account
from reconciler.kinds.datasetrule.candidates import group_in, nothing_known, open_choices
from reconciler.kinds.datasetrule.data import groups_of, leaves_of
from reconciler.kinds.datasetrule.elsewhere import TELLABLE
from reconciler.kinds.datasetrule.places import Gazetteer
from reconciler.kinds.datasetrule.rules import RULES, quarrels
from reconciler.kinds.datasetrule.settle import Scatters, settled
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.registered import Registered
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.replica.connect import connect, target_id
from reconciler.kinds.replica.rules import Quarrel
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.when import Lifetime
from reconciler.kinds.world import Demand, Lock, Question, World
from reconciler.model import (
    Action,
    Answer,
    Change,
    Choice,
    DataAccount,
    Edge,
    Graph,
    Observed,
    Reading,
    Ref,
    Resource,
    Target,
    Wanted,
)
from reconciler.ports import Drivers, Space


class DatasetRuleKind(Registered[DatasetRuleSpec]):
    """Copies of data, kept."""

    name = "DatasetRule"
    plural = "datasetrules"
    Spec = DatasetRuleSpec
    rules: ClassVar[tuple[Rule, ...]] = (*RULES, TELLABLE)

    def __init__(self) -> None:
        self._gazetteer, self._shelf, self._scatters = Gazetteer(), Shelf(), Scatters()

    def canonical(self, spec: DatasetRuleSpec) -> DatasetRuleSpec:
        """What was chosen, in order."""
        said = {
            "chosen": tuple(sorted(spec.chosen)),
            "chosenDatasets": {name: tuple(sorted(names)) for name, names in sorted(spec.chosenDatasets.items())},
            "placed": {name: dict(sorted(there.items())) for name, there in sorted(spec.placed.items())},
        }
        return spec.model_copy(update=said)

    def references(self, ref: Ref, spec: DatasetRuleSpec) -> Iterable[Edge]:  # noqa: ARG002
        if spec.vo is not None:
            yield Edge(Ref.of("VO", vo_name(spec.vo)), "exists", "spec.vo")
        sites = {name.partition("/")[0] for name in spec.chosen}
        sites |= {name.partition("/")[0] for there in spec.placed.values() for name in there}
        for site in sorted(sites):
            yield Edge(Ref.of("Site", site), "exists", "spec.chosen")
        for name in spec.replicas:
            yield Edge(Ref(f"Replica/{name}"), "ready", "spec.replicas")

    def target(self, ref: Ref, spec: DatasetRuleSpec) -> str:
        """The register, or the system that keeps it."""
        return spec.by or super().target(ref, spec)

    def lifetime(self, spec: DatasetRuleSpec) -> Lifetime | None:
        return spec.lifetime

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[Quarrel]:
        return quarrels(resources, changed)

    def reminders(self, resources: Mapping[Ref, Resource], now: datetime) -> Iterable[tuple[Ref, str, Fault]]:
        """When the next stage of a rule begins, a week before."""
        for ref in sorted(ref for ref in resources if ref.startswith("DatasetRule/")):
            if b'"stages"' not in resources[ref].content:
                continue
            turn = resources[ref].spec.turns(now)
            if turn is not None and (turn - now).days < _SOON:
                said = f"its next stage begins {turn:%Y-%m-%d %H:%M} UTC: copies will move"
                yield ref, "datasetrule-stage", Fault("spec.stages", said)

    def asks(self, ref: Ref, spec: DatasetRuleSpec, occasion: Occasion) -> Iterable[Question]:  # noqa: ARG002
        """How full storages are that must keep something free, where something new may go."""
        if spec.by is not None or (occasion.held is not None and not occasion.moved):
            return
        for name, place in self._gazetteer.places(occasion.federation).by_name.items():
            if place.storage.limits.minFreeBytes is not None:
                target = target_id(*name.split("/"))
                yield Question("space", target, connect(target, occasion.federation, occasion.drivers))

    def answer(self, question: Question, drivers: Drivers, earlier: object) -> Space:  # noqa: ARG002
        return drivers.storage(question.target).space()

    def choices(self, ref: Ref, spec: DatasetRuleSpec, federation: Federation, world: World) -> Sequence[OpenChoice]:
        if spec.chosen or spec.by is not None:
            return ()
        places = self._gazetteer.places(federation)
        leaves, why = leaves_of(spec, self._shelf.datasets(federation))
        if not leaves:
            return nothing_known(places, why)
        if spec.grouping == "NONE":
            return ()
        return open_choices(ref, spec, list(groups_of(spec, leaves)), places, world)

    def chosen(self, spec: DatasetRuleSpec, picks: Mapping[str, tuple[str, ...]]) -> DatasetRuleSpec:
        if not picks:
            return spec
        by_group: dict[str, tuple[str, ...]] = {}
        for field, names in picks.items():
            by_group[group_in(field)] = (*by_group.get(group_in(field), ()), *names)
        whole = by_group.pop("", ())
        return spec.model_copy(update={"chosen": whole, "chosenDatasets": by_group})

    def account(
        self, actions: Sequence[Action], graph: Graph, observed: Observed, federation: Federation, world: World
    ) -> DataAccount | None:
        """Bytes from where to where, copies, room, time and cost of the whole plan."""
        return account(actions, graph, observed, federation, world)

    def complete(
        self, ref: Ref, spec: DatasetRuleSpec, federation: Federation, world: World
    ) -> Settled[DatasetRuleSpec]:
        if spec.by is not None:
            return Settled(spec)
        leaves, why = leaves_of(spec, self._shelf.datasets(federation))
        if not leaves:
            return Settled(spec, undecided=Choice(ref, "locations", (), why))
        return settled(ref, spec, leaves, self._gazetteer.places(federation), world, self._scatters)

    def demand(self, ref: Ref, spec: DatasetRuleSpec, world: World) -> Demand:  # noqa: ARG002
        """What it locks, at each storage; the quotas of its VO are charged with it."""
        return Demand(locks=tuple(_locks(spec, world)))

    def precious(
        self,
        going: Mapping[Ref, DatasetRuleSpec],
        staying: Mapping[Ref, DatasetRuleSpec],  # noqa: ARG002
    ) -> Mapping[Ref, str]:
        return {ref: "its manifest said locked: true" for ref, spec in going.items() if spec.locked}

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        if target.id.startswith(elsewhere.PREFIX):
            return elsewhere.observe(target, wanted, drivers)
        return super().observe(target, wanted, drivers, token)

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        if target.id.startswith(elsewhere.PREFIX):
            return elsewhere.remove(target, changes, drivers)
        return super().remove(target, changes, drivers)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        """Which files lie where is written down before the rule is."""
        if target.id.startswith(elsewhere.PREFIX):
            return elsewhere.put(target, changes, drivers)
        for change in changes:
            if isinstance(change.spec, DatasetRuleSpec):
                for there in change.spec.placed.values():
                    for fileset in there.values():
                        drivers.catalogue.keep(fileset.digest)
        return super().put(target, changes, drivers)


_SOON = 7
"""Days."""


def _locks(spec: DatasetRuleSpec, world: World) -> Iterable[Lock]:
    refs = {Ref(f"Replica/{name}") for name in spec.replicas}
    standing: dict[tuple[str, str], int] = {}
    for ref in sorted(refs):
        held = world.applied(ref)
        if isinstance(held, ReplicaSpec) and held.dataset and held.fileset is not None:
            standing[held.dataset, str(held.storage)] = held.fileset.bytes
    wholes = {name: max((part.bytes for part in there.values()), default=0) for name, there in spec.placed.items()}
    for name, there in spec.placed.items():
        whole = sum(part.bytes for part in there.values()) if spec.grouping == "NONE" else wholes[name]
        for storage, part in there.items():
            coming = max(0, part.bytes - standing.get((name, storage), 0))
            yield Lock(storage, name, part.bytes, max(whole, part.bytes), vo_name(spec.vo or ""), coming)
