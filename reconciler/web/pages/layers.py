"""Where things stand in the drawing of the graph: a column for each wave, near what they need. Made once a round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model import Ref
from reconciler.plan.render import Drawing

BOX, ROW, GAP = 190, 34, 90
"""Width of a box, height of a row, room between columns, in pixels."""
MOST = 3000
"""More than so many are not drawn: nobody could read them."""
_TALLEST = 60
"""Boxes in a column."""
LABEL = 28


@dataclass(frozen=True, slots=True)
class Node:
    """One box."""

    ref: Ref
    label: str
    x: float
    y: float
    ready: str
    said: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn."""

    nodes: Sequence[Node]
    lines: Sequence[str]
    """Paths in SVG's notation."""
    width: float
    height: float
    cut: int
    box: int = BOX


def picture(drawing: Drawing, shown: frozenset[Ref], ready: Mapping[Ref, str]) -> Picture:
    """The boxes that are ``shown``, column by column, each near the middle of what it needs."""
    waves: dict[int, list[Ref]] = defaultdict(list)
    roles: dict[Ref, str] = {}
    for box in drawing.boxes:
        if box.ref in shown and len(roles) < MOST:
            waves[box.wave].append(box.ref)
            roles[box.ref] = box.role
    needs: dict[Ref, list[Ref]] = defaultdict(list)
    arrows = [(a.first, a.then) for a in drawing.arrows if a.first in roles and a.then in roles]
    for first, then in arrows:
        needs[then].append(first)
    at, tall = _placed(waves, needs)
    nodes = [node(ref, *at[ref], ready.get(ref, "Unknown"), role) for ref, role in roles.items()]
    lines = [_line(at[first], at[then]) for first, then in dict.fromkeys(arrows)]
    width = max((x for x, _ in at.values()), default=0) + BOX + 20
    return Picture(nodes, lines, max(width, 500), max(tall + 20, 200), len(shown) - len(roles))


def _placed(
    waves: Mapping[int, list[Ref]], needs: Mapping[Ref, list[Ref]]
) -> tuple[dict[Ref, tuple[float, float]], float]:
    at: dict[Ref, tuple[float, float]] = {}
    x, tall = 20.0, 0.0
    for wave in sorted(waves):
        order = sorted(waves[wave], key=lambda ref: (_middle(needs.get(ref, ()), at), ref))
        for start in range(0, len(order), _TALLEST):
            for row, ref in enumerate(order[start : start + _TALLEST]):
                at[ref] = (x, 20.0 + row * ROW)
                tall = max(tall, 20.0 + row * ROW + ROW)
            last = start + _TALLEST >= len(order)
            x += BOX + (GAP if last else GAP / 3)
    return at, tall


def _middle(those: Iterable[Ref], at: Mapping[Ref, tuple[float, float]]) -> float:
    rows = [at[ref][1] for ref in those if ref in at]
    return sum(rows) / len(rows) if rows else float("inf")


def node(ref: Ref, x: float, y: float, ready: str, role: str) -> Node:
    """One resource at its place."""
    name = ref.partition("/")[2]
    label = ref if len(ref) <= LABEL else name if len(name) <= LABEL else f"{name[: LABEL - 1]}…"
    standing = {"True": "ready", "False": "not ready", "Unknown": "not known to be ready"}[ready]
    planned = "" if role == "unchanged" else f", {role}" if role == "blocked" else f", to {role}"
    return Node(ref, label, x, y, ready, f"{standing}{planned}")


def _line(first: tuple[float, float], then: tuple[float, float]) -> str:
    x, y = first[0] + BOX, first[1] + 13
    x2, y2 = then[0], then[1] + 13
    half = (x + x2) / 2
    return f"M{x:g} {y:g}C{half:g} {y:g} {half:g} {y2:g} {x2:g} {y2:g}"


def around(drawing: Drawing, ref: Ref) -> frozenset[Ref]:
    """What ``ref`` needs, what needs it, and so on; with itself."""
    forth: dict[Ref, list[Ref]] = defaultdict(list)
    back: dict[Ref, list[Ref]] = defaultdict(list)
    for arrow in drawing.arrows:
        forth[arrow.first].append(arrow.then)
        back[arrow.then].append(arrow.first)
    return frozenset(_reached(ref, forth) | _reached(ref, back))


def _reached(ref: Ref, along: Mapping[Ref, Sequence[Ref]]) -> set[Ref]:
    found, ahead = {ref}, [ref]
    while ahead:
        for other in along.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found
