"""Drawing: what will happen in what order, as waves of boxes and arrows; notation.py and svg.py write it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from reconciler.model import Graph, Plan, Ref, Verb
from reconciler.plan.render.words import BLOCKED, SYMBOLS


@dataclass(frozen=True, slots=True)
class Box:
    """One resource and what is done to it. ``role`` is its verb, ``blocked`` or ``unchanged``."""

    ref: Ref
    role: str
    sign: str
    wave: int
    """Counted from 1: everything in a wave can be done at once when the waves before it are done."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """``first`` comes before ``then``."""

    first: Ref
    then: Ref
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in the order of their waves and names, and the arrows between them."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def waves(self) -> tuple[tuple[Box, ...], ...]:
        """The boxes, wave by wave."""
        last = max((box.wave for box in self.boxes), default=0)
        return tuple(tuple(b for b in self.boxes if b.wave == number) for number in range(1, last + 1))


def of_plan(plan: Plan) -> Drawing:
    """The plan's actions and what each waits for."""
    actions = {action.ref: action for action in plan.actions if action.verb is not Verb.NOOP}
    needs = {ref: [other for other in action.waits_for if other in actions] for ref, action in actions.items()}
    roles = {ref: "blocked" if action.blocked else str(action.verb) for ref, action in actions.items()}
    arrows = [Arrow(other, ref) for ref, others in needs.items() for other in others]
    return _drawing(needs, roles, arrows)


def of_graph(graph: Graph, plan: Plan) -> Drawing:
    """Every declared resource with what it refers to, what the plan does to it, and what it takes away."""
    planned = of_plan(plan)
    needs: dict[Ref, list[Ref]] = {ref: [edge.ref for edge in r.edges] for ref, r in graph.resources.items()}
    arrows = {Arrow(e.ref, ref, e.gate) for ref, r in graph.resources.items() for e in r.edges}
    known = {(arrow.first, arrow.then) for arrow in arrows}
    roles = dict.fromkeys(graph.resources, "unchanged") | {box.ref: box.role for box in planned.boxes}
    for arrow in planned.arrows:
        if (arrow.first, arrow.then) not in known:
            arrows.add(arrow)
            needs.setdefault(arrow.then, []).append(arrow.first)
    return _drawing({ref: needs.get(ref, []) for ref in roles}, roles, arrows)


def _drawing(needs: Mapping[Ref, Iterable[Ref]], roles: Mapping[Ref, str], arrows: Iterable[Arrow]) -> Drawing:
    wave: dict[Ref, int] = {}
    for ref in TopologicalSorter(needs).static_order():
        wave[ref] = 1 + max((wave[other] for other in needs[ref]), default=0)
    boxes = sorted((Box(ref, role, _sign(role), wave[ref]) for ref, role in roles.items()), key=_place)
    return Drawing(tuple(boxes), tuple(sorted(arrows, key=lambda a: (a.first, a.then, a.label))))


def _place(box: Box) -> tuple[int, Ref]:
    return box.wave, box.ref


def _sign(role: str) -> str:
    if role == "blocked":
        return BLOCKED
    return SYMBOLS[Verb(role)] if role in set(Verb) else ""
