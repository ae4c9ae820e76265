"""Stage 5, Graph and World -> Graph: makes every open choice, with reasons, the same way each time.

A choice that was applied once is kept until it becomes impossible. What one resource is promised of a cloud is not
promised to the next: resources that stand come first, then those without a choice, then whoever has the fewest places
to go to. Among equals a hash keyed by resource and candidate decides, so that adding a candidate moves only what must
move. What a choice brings along (a DatasetRule its Replicas) joins the graph here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from reconciler.errors import ManifestError
from reconciler.kinds import Declared, Derived, Fault, Kind, Settled, World, connect
from reconciler.model import (
    Choice,
    Diagnostic,
    Edge,
    Graph,
    Inventory,
    Lifecycle,
    Ref,
    Resource,
    Spec,
)
from reconciler.place.choose import choose
from reconciler.place.promise import promise
from reconciler.place.wish import KEEP, Wish
from reconciler.ports import Catalogue, Drivers

__all__ = ["KEEP", "Wish", "place", "promise"]


def place(
    graph: Graph,
    world: World,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
    wish: Wish = KEEP,
) -> Graph:
    """Return the graph with every choice made; what has no place is in ``unplaced``, with a reason per candidate."""
    if not graph.undecided:
        return graph
    placing = _Placing(graph, replace(world, files=drivers.catalogue.files), inventory, kinds, wish, drivers.catalogue)
    for kind in sorted({ref.kind for ref in graph.undecided}):
        for ref in placing.ordered(kind):
            placing.settle(ref)
    placing.gather()
    return placing.graph(drivers)


class _Placing:
    """The graph while choices are being made."""

    def __init__(
        self,
        graph: Graph,
        world: World,
        inventory: Inventory,
        kinds: Mapping[str, Kind[Any]],
        wish: Wish,
        catalogue: Catalogue,
    ) -> None:
        self._wish, self._catalogue = wish, catalogue
        self._graph, self._inventory, self._kinds = graph, inventory, kinds
        self._world = replace(world, applied=cache(self._applied), known=inventory.entries.keys())
        self._resources = dict(graph.resources)
        self._declared = Declared(self._resources)
        self._choices: list[Choice] = []
        self._unplaced: dict[Ref, Choice] = {}
        self._fresh: set[Ref] = set()
        self._odd: list[tuple[Ref, Fault]] = []
        self._moved = dict(graph.moved)
        self._begun = inventory.details([ref for ref in graph.undecided if ref in inventory.begun])
        for ref in sorted(world.moved - graph.undecided, key=lambda ref: (ref not in inventory.entries, ref)):
            self._promise(ref, self._resources[ref].spec)  # it can go nowhere else: it is served first

    def ordered(self, kind: str) -> list[Ref]:
        """Whose turn it is among the undecided of a kind: what stands, then whoever has the fewest places to go to."""
        refs = [ref for ref in self._graph.undecided if ref.kind == kind]
        return sorted(refs, key=lambda ref: (ref not in self._inventory.entries, self._freedom(ref), ref))

    def _freedom(self, ref: Ref) -> int:
        if ref in self._inventory.entries or ref not in self._world.moved:
            return 0
        choices = self._kinds[ref.kind].choices(ref, self._resources[ref].spec, self._declared, self._world)
        fitting = (sum(not (c.why_not or c.why_not_anew) for c in choice.candidates) for choice in choices)
        return min(fitting, default=0)

    def settle(self, ref: Ref) -> None:
        """Make the choices of one resource and add what it brings along."""
        resource = self._resources[ref]
        kind, spec = self._kinds[ref.kind], resource.spec
        picks: dict[str, tuple[str, ...]] = {}
        choices: list[Choice] = []
        for choice in kind.choices(ref, spec, self._declared, self._world):
            earlier = self._earlier(ref).get(choice.field, ())
            if choice.after is not None:
                kept = () if self._wish.afresh else earlier
                choice = replace(choice, candidates=choice.after(picks, kept))  # noqa: PLW2901 (the same, narrowed)
            made = choose(ref, choice, earlier, gain=self._wish.gain)
            if len(made.chosen) < choice.count:
                self._unplaced[ref] = made
                return
            choices.append(made)
            picks[choice.field] = made.chosen
        if picks:
            spec = kind.canonical(kind.chosen(spec, picks))
        settled = self._complete(ref, spec)
        if settled is None:
            return
        spec = settled.spec
        self._choices += [*choices, *settled.choices]
        self._promise(ref, spec)
        children = [self._child(resource, child) for child in kind.derive(ref, spec, self._declared)]
        self._put(_decided(resource, kind, spec, children))
        for child, _ in children:
            self._put(child)

    def _complete(self, ref: Ref, spec: Spec) -> Settled[Any] | None:
        """The spec with all that follows from the world; None where nothing can be decided."""
        kind = self._kinds[ref.kind]
        settled = kind.complete(ref, spec, self._declared, self._world)
        for files in settled.files:
            self._catalogue.remember(files)
        self._odd += [(ref, fault) for fault in settled.faults]
        if settled.undecided is None:
            return replace(settled, spec=kind.canonical(settled.spec))
        self._unplaced[ref] = settled.undecided
        return None

    def _applied(self, ref: Ref) -> Spec | None:
        """What was applied last of a resource, under this name or its former one."""
        moved = self._graph.moved
        entry = self._inventory.entry(ref, moved)
        if entry is None and moved:
            names = (_called_after(ref, new, old) for new, old in moved.items() if new.namespace == ref.namespace)
            entry = next((e for name in names if name and (e := self._inventory.entries.get(name))), None)
        held = self._inventory.details([entry.ref]).get(entry.ref) if entry else None
        return self._kinds[ref.kind].Spec.model_validate_json(held.content) if held else None

    def _promise(self, ref: Ref, spec: Spec) -> None:
        """What it takes is not there any more for whoever comes after it."""
        demand = self._kinds[ref.kind].demand(ref, spec, self._world)
        for target, need in demand.takes.items():
            self._world = self._world.less(target, need)
        if demand.locks:
            self._world = replace(self._world, locked=self._world.locked.with_(demand.locks))

    def _earlier(self, ref: Ref) -> Mapping[str, tuple[str, ...]]:
        """What was chosen when it was applied, or when a create was begun that never came to its end."""
        if ref in self._wish.chosen:
            return self._wish.chosen[ref]
        kept = self._inventory.choices.get(ref) or self._inventory.choices.get(self._graph.moved.get(ref, ref))
        if kept is not None or ref not in self._begun:
            return kept or {}
        kind = self._kinds[ref.kind]
        return kind.picked(kind.Spec.model_validate_json(self._begun[ref].content))

    def _put(self, resource: Resource) -> None:
        self._resources[resource.ref] = resource
        self._fresh.add(resource.ref)

    def _child(self, owner: Resource, child: Derived) -> tuple[Resource, Derived]:
        kind = self._kinds[child.kind]
        ref = Ref.of(child.kind, child.name, owner.ref.namespace)
        there = self._resources.get(ref)
        if there is not None and there.owner != owner.ref:
            where = there.location
            who = f"{there.owner} makes too" if there.owner else "is declared by hand"
            said = f"{owner.ref} would make {ref}, which {who}"
            fault = Diagnostic(where.file, where.line, 1, "metadata.name", said, "rename one of them", "name-taken")
            raise ManifestError([fault])
        spec = kind.canonical(child.spec)
        made = owner._replace(
            ref=ref,
            edges=tuple(kind.references(ref, spec)),
            decode=kind.Spec.model_validate_json,
            owner=owner.ref,
            open=False,
            **_written(kind, ref, spec),
        )
        return made, child

    def gather(self) -> None:
        """Add what follows from the choices of many together."""
        for kind in self._kinds.values():
            for owner, child in kind.gather(self._declared, self._world):
                if child.files is not None:
                    self._catalogue.remember(child.files)
                made = self._child(self._resources[owner], child)[0]
                self._put(made._replace(lifecycle=_inherited(made.lifecycle)))
                self._follow(owner, made.ref)

    def _follow(self, owner: Ref, child: Ref) -> None:
        """What is called after its owner goes by its former name where the owner does."""
        former = _called_after(child, owner, self._graph.moved.get(owner))
        if former is not None and former in self._inventory.entries and former not in self._resources:
            self._moved[child] = former

    def graph(self, drivers: Drivers) -> Graph:
        """The graph with everything decided so far."""
        for kind in self._kinds.values():
            for ref, edge in kind.awaited(self._resources):
                resource = self._resources[ref]
                self._put(resource._replace(edges=(*resource.edges, edge)))
        fresh = {ref: self._resources[ref] for ref in self._fresh}
        wanted = {resource.target: ref for ref, resource in fresh.items()}
        new = {target: ref for target, ref in wanted.items() if target not in self._graph.targets}
        return replace(
            self._graph,
            resources=self._resources,
            digests={**self._graph.digests, **{ref: resource.source for ref, resource in fresh.items()}},
            targets={**self._graph.targets, **connect(new, self._resources, self._kinds, drivers)},
            choices=tuple(self._choices),
            unplaced=self._unplaced,
            reminders=tuple(sorted(self._reminders())),
            moved=self._moved,
        )

    def _reminders(self) -> Iterator[Diagnostic]:
        for kind in self._kinds.values():
            for ref, rule, fault in kind.reminders(self._resources, self._world.now):
                yield self._told(ref, fault, rule)
        for ref, fault in self._odd:
            yield self._told(ref, fault, f"{ref.kind.lower()}-world")

    def _told(self, ref: Ref, fault: Fault, rule: str) -> Diagnostic:
        where, said = self._resources[ref].location, f"{ref}: {fault.message}"
        return Diagnostic(where.file, where.line, 1, fault.path, said, fault.cure, rule, "warning")


def _called_after(child: Ref, owner: Ref, former: Ref | None) -> Ref | None:
    """The name that a child called ``<owner>.<more>`` had when its owner was called ``former``."""
    if former is None or not child.name.startswith(f"{owner.name}."):
        return None
    return Ref.of(child.kind, former.name + child.name.removeprefix(owner.name), former.namespace)


def _inherited(lifecycle: Lifecycle) -> Lifecycle:
    """How what somebody brings along is handled: as its owner, whose former name is not its own."""
    return lifecycle if lifecycle.moved is None else lifecycle.model_copy(update={"moved": None})


def _decided(resource: Resource, kind: Kind[Any], spec: Spec, children: list[tuple[Resource, Derived]]) -> Resource:
    own = tuple(kind.references(resource.ref, spec))
    to = tuple(Edge(c.ref, d.gate, f"derived {d.kind}") for c, d in children if d.gate != "none")
    return resource._replace(edges=own + to, open=False, **_written(kind, resource.ref, spec))


def _written(kind: Kind[Any], ref: Ref, spec: Spec) -> dict[str, Any]:
    content = spec.canonical()
    return {"content": content, "digest": spec.digest(), "target": kind.target(ref, spec)}
