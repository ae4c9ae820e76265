"""Stage 6, Graph, Observed and Policy -> Plan: pure, no I/O and no clock; the same input gives the same bytes.

What is settled (git as it was, the world as it was left) is found by comparing whole dictionaries and costs nothing
more; only what remains is decided one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler import SCHEMA_VERSION
from reconciler.kinds import NOWHERE, Declared, Kind, World
from reconciler.model import (
    Action,
    Choice,
    DataAccount,
    Edge,
    Graph,
    Inventory,
    Observation,
    Observed,
    Plan,
    Policy,
    Present,
    Ref,
    Unknown,
    digest_of,
    encode,
)
from reconciler.plan.claims import claims
from reconciler.plan.decide import Decider
from reconciler.plan.going import expired, lingering, precious
from reconciler.plan.order import ordered
from reconciler.plan.refused import refusing
from reconciler.plan.safety import limited
from reconciler.plan.saved import data
from reconciler.plan.steps import meant, refused
from reconciler.plan.terms import Book, within

__all__ = ["plan"]


def plan(
    graph: Graph,
    observed: Observed,
    inventory: Inventory,
    policy: Policy,
    kinds: Mapping[str, Kind[Any]],
    world: World = NOWHERE,
) -> Plan:
    """What to do so that the world agrees with the graph, in order, with reasons.

    ``world`` tells how full storages are.
    """
    unsettled = _unsettled(graph, observed, inventory)
    decider = Decider(graph, observed, inventory, policy, kinds)
    decided = [action for ref in sorted(unsettled) if (action := decider.decide(ref))]
    decided = lingering(expired(decided, graph, kinds), graph, observed, inventory, policy, kinds)
    population = Counter((entry.ref.kind, entry.target) for entry in inventory.entries.values()) if decided else {}
    left = {a.ref: held.target for a in decided if (held := inventory.entry(a.ref, graph.moved))}
    decided = meant(decided, graph, observed, kinds)
    treasured = precious(decided, observed, inventory, kinds)
    against = refused(decided, graph, observed, kinds, policy.now)
    empty = not graph.resources
    safe = limited(decided, population, policy, empty=empty, left=left, precious=treasured, refused=against)
    book = Book(graph, observed, inventory, policy, kinds, world)
    safe = within(safe, book, left)
    safe = refusing(safe, policy, _owners(graph, observed) if policy.refused else {})
    actions = ordered(safe, observed.applied, _Holds(graph, observed, inventory))
    resting = graph.digests.keys() - {action.ref for action in actions}
    unread = len(resting & _unread(observed, inventory))
    return _sealed(
        Plan(
            commit=graph.commit,
            schema=SCHEMA_VERSION,
            actions=tuple(actions),
            unchanged=len(resting) - unread,
            unread=unread,
            choices=(*(choice.brief() for choice in graph.choices), *_nowhere(graph)),
            unreachable={t: state.reason for t, state in sorted(observed.targets.items()) if not state.reachable},
            strays=tuple(f"{s.target}: {s.kind} {s.name} carries our mark {s.uid}" for s in observed.strays),
            data=_data(actions, graph, observed, kinds, world),
            parts=policy.parts,
            allocations=claims(actions, book),
            warnings=(*graph.remarks, *(str(reminder) for reminder in graph.reminders)),
            observed=_world(observed),
            playbooks=policy.playbooks,
            desired=_wish(graph),
        )
    )


def _owners(graph: Graph, observed: Observed) -> dict[Ref, Ref]:
    """Whose each resource is that another one brings along."""
    held = {ref: details.owner for ref, details in observed.applied.items() if details.owner}
    return held | {ref: resource.owner for ref, resource in graph.resources.items() if resource.owner}


def _data(
    actions: list[Action], graph: Graph, observed: Observed, kinds: Mapping[str, Kind[Any]], world: World
) -> DataAccount | None:
    """What the plan means for data, told by the kind that knows of it."""
    if not actions:
        return None
    declared = Declared(graph.resources)
    told = (kind.account(actions, graph, observed, declared, world) for kind in kinds.values())
    return next((account for account in told if account is not None), None)


def _nowhere(graph: Graph) -> Iterator[Choice]:
    """Choices that could not be made, with every candidate."""
    yield from (graph.unplaced[ref] for ref in sorted(graph.unplaced))


def _unsettled(graph: Graph, observed: Observed, inventory: Inventory) -> set[Ref]:
    """Everything that git, the world, an input or an interrupted run has moved."""
    intent = {ref for ref, _ in graph.digests.items() ^ inventory.sources.items()}
    drift = {ref for ref, _ in observed.digests.items() ^ inventory.digests.items()}
    ill = {ref for ref, seen in observed.results.items() if isinstance(seen, Present) and seen.healthy is False}
    foreign = {ref for ref, seen in observed.results.items() if _foreign(ref, seen, inventory)}
    return (intent | drift | ill | foreign | graph.taking | inventory.unsettled | graph.unplaced.keys()) & (
        graph.digests.keys() | inventory.sources.keys() | inventory.begun.keys()
    )


def _foreign(ref: Ref, seen: Observation, inventory: Inventory) -> bool:
    """Whether something that we hold does not carry our mark any more."""
    entry = inventory.entries.get(ref)
    return isinstance(seen, Present) and entry is not None and (not seen.owned or seen.uid not in ("", entry.uid))


def _unread(observed: Observed, inventory: Inventory) -> set[Ref]:
    """Resources of which nothing is known at present."""
    unknown = {ref for ref, seen in observed.results.items() if isinstance(seen, Unknown)}
    down = {target for target, state in observed.targets.items() if not state.reachable}
    return unknown | ({ref for ref, entry in inventory.entries.items() if entry.target in down} if down else set())


class _Holds:
    """Whether a reference to something that needs nothing done holds: "" when it does, else why not."""

    def __init__(self, graph: Graph, observed: Observed, inventory: Inventory) -> None:
        self._graph, self._observed, self._inventory = graph, observed, inventory

    def __call__(self, edge: Edge) -> str:
        if edge.gate == "after":
            return ""
        if edge.ref not in self._inventory.entries:
            return "does not exist yet"
        if edge.gate == "exists":
            return ""
        seen = self._observed.results.get(edge.ref)
        if isinstance(seen, Present) and seen.healthy is False:
            return f"is not healthy: {seen.note}"
        state = self._observed.targets.get(self._inventory.entries[edge.ref].target)
        if state is not None and not state.reachable:
            return f"cannot be observed: {state.reason}"
        return "" if edge.ref in self._observed.digests else "is not there"


def _wish(graph: Graph) -> str:
    # Lines are sorted, not pairs: plain strings are compared several times faster than what is derived from them.
    return digest_of("\n".join(sorted(map("=".join, graph.digests.items()))).encode())


def _world(observed: Observed) -> str:
    said = "".join(f"{t}={s.digest if s.reachable else '?'}\n" for t, s in sorted(observed.targets.items()))
    return digest_of(said.encode())


def _sealed(made: Plan) -> Plan:
    return replace(made, digest=digest_of(encode(data(made))))
