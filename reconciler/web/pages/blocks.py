"""Blocks: where more stand than can be read, those alike are drawn as one, with their faults where they belong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, log10, sqrt

from reconciler.model import Ref
from reconciler.plan.render.drawing import Box, Drawing
from reconciler.web.pages.layers import BOX, GAP, LABEL, MOST, ROW, Node, node

ENOUGH = 150
"""So many boxes can be read at first sight; more are put into blocks."""
_BLOCKS = 40
_FEW = 3
"""Fewer than so many alike are drawn one by one."""
_WIDE, _HEAD, _LABEL = 226, 60, 30
"""Width of a closed block, height of its head, in pixels; characters of its name."""
_LINES = 12
"""More lines than so many over blocks would hide them."""
_ASPECT = 1.9
"""Width to height of the window that is drawn for."""
_SHOWN = ((6, 8), (14, 5), (24, 3), (_BLOCKS * 10, 2))
"""Of at most so many blocks each shows so many faults."""
_STATUS = ("True", "Unknown", "False")
_SAID = {"False": "not ready", "Unknown": "not known"}


@dataclass(frozen=True, slots=True)
class Block:
    """Resources that are alike, as one box; open: with all of them in it."""

    key: str
    label: str
    line: str
    """How many there are, and how many do not stand well."""
    said: str
    worst: str
    bars: Sequence[tuple[str, float, float]]
    """(status of Ready, where it begins, how wide): together as wide as the block."""
    nodes: Sequence[Node]
    rest: str
    """Which faults are not drawn."""
    has: str
    """Names within, to be searched."""
    x: float
    y: float
    width: float
    height: float
    font: float
    open: bool


@dataclass(frozen=True, slots=True)
class Strand:
    """References from one block to another."""

    path: str
    width: float
    said: str
    worst: str = ""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Everything that is drawn."""

    blocks: Sequence[Block]
    nodes: Sequence[Node]
    strands: Sequence[Strand]
    width: float
    height: float
    number: int
    box: int = BOX


@dataclass(slots=True)
class _Item:
    """A block, or a single resource, before and after it has a place."""

    key: str
    members: list[Box]
    wide: float
    tall: float
    shown: list[Box]
    x: float = 0.0
    y: float = 0.0

    @property
    def wave(self) -> int:
        return min(box.wave for box in self.members)


def blocks(drawing: Drawing, shown: frozenset[Ref], ready: Mapping[Ref, str], opened: str) -> Blocks:
    """The resources that are ``shown`` in blocks by kind, namespace and wave, as far as that makes not too many."""
    boxes = [box for box in drawing.boxes if box.ref in shown]
    groups = _groups(boxes)
    needs: dict[Ref, list[Ref]] = defaultdict(list)
    for arrow in drawing.arrows:
        if arrow.first in shown and arrow.then in shown:
            needs[arrow.then].append(arrow.first)
    most = next(faults for number, faults in _SHOWN if len(groups) <= number)
    items = [_item(key, those, needs, ready, most, open_=key == opened) for key, those in groups.items()]
    within = {box.ref: item for item in items for box in item.members}
    between = Counter(
        (within[first].key, within[then].key)
        for then, firsts in needs.items()
        for first in firsts
        if within[first] is not within[then]
    )
    width, height = _placed(items, between)
    drawn = {box.ref: _at(item, n) for item in items for n, box in enumerate(item.shown)}
    nodes = {
        box.ref: node(box.ref, *drawn[box.ref], ready.get(box.ref, "Unknown"), box.role)
        for i in items
        for box in i.shown
    }
    by_key = {item.key: item for item in items}
    strands = [_strand(by_key[one], by_key[other], number) for (one, other), number in between.items()]
    faults = _faults(needs, drawn, ready, within)
    strands += faults if len(faults) <= _LINES else []
    whole = [_block(i, ready, nodes, open_=i.key == opened) for i in items if len(i.members) >= _FEW]
    single = [nodes[box.ref] for i in items if len(i.members) < _FEW for box in i.shown]
    return Blocks(whole, single, strands, width, height, len(boxes))


# -- who stands together -----------------------------------------------------------------------------------------------


def _groups(boxes: Sequence[Box]) -> dict[str, list[Box]]:
    """The finest of the ways to put them together that does not make too many blocks; else the one with fewest."""
    near: Callable[[Box], str] = lambda box: f"{box.ref.kind}/{box.ref.namespace or ''}"  # noqa: E731
    waves: dict[str, set[int]] = defaultdict(set)
    for box in boxes:
        waves[near(box)].add(box.wave)
    ways: tuple[Callable[[Box], str], ...] = (
        lambda box: f"{near(box)}/{box.wave}" if len(waves[near(box)]) > 1 else near(box),
        near,
        lambda box: f"/{box.ref.namespace}" if box.ref.namespace else box.ref.kind,
        lambda box: box.ref.kind,
    )
    found = []
    for way in ways:
        groups: dict[str, list[Box]] = defaultdict(list)
        for box in boxes:
            groups[way(box)].append(box)
        found.append(_apart(groups))
        if len(found[-1]) <= _BLOCKS:
            return found[-1]
    return min(found, key=len)


def _apart(groups: Mapping[str, list[Box]]) -> dict[str, list[Box]]:
    """The groups; a few alike one by one."""
    made: dict[str, list[Box]] = {}
    for key, those in groups.items():
        made |= {key: those} if len(those) >= _FEW else {f"{box.ref}=": [box] for box in those}  # = is in no name
    return made


def _item(
    key: str, those: list[Box], needs: Mapping[Ref, Sequence[Ref]], ready: Mapping[Ref, str], most: int, *, open_: bool
) -> _Item:
    if len(those) < _FEW:
        return _Item(key, those, BOX, ROW, those)
    if open_:
        shown = those[:MOST]
        columns = _columns(len(shown))
        return _Item(key, those, columns * (BOX + 10) + 20, _HEAD + ceil(len(shown) / columns) * ROW + 12, shown)
    bad = [box for box in those if ready.get(box.ref, "Unknown") != "True"]

    def rank(box: Box) -> tuple[bool, bool, Ref]:
        below = any(ready.get(other, "Unknown") != "True" for other in needs.get(box.ref, ()))
        return ready.get(box.ref) != "False", below, box.ref

    shown = sorted(bad, key=rank)[:most]
    return _Item(key, those, _WIDE, _HEAD + len(shown) * ROW + (20 if len(bad) > len(shown) else 4), shown)


def _columns(number: int) -> int:
    return max(1, ceil(sqrt(number * ROW / BOX * _ASPECT)))


# -- where they stand --------------------------------------------------------------------------------------------------


def _placed(items: Sequence[_Item], between: Mapping[tuple[str, str], int]) -> tuple[float, float]:
    """Give every item a place, such that the whole fills a window; its width and height."""
    highest = max(item.tall for item in items)
    ways = [(highest * 1.25**n, wide) for n in range(24) for wide in (inf, 1300.0, 1900.0, 2600.0)]

    def room(way: tuple[float, float]) -> float:
        width, height = _columned(items, between, *way)
        return max(width / _ASPECT, height)

    return _columned(items, between, *min(ways, key=room))


def _columned(
    items: Sequence[_Item], between: Mapping[tuple[str, str], int], tallest: float, widest: float
) -> tuple[float, float]:
    """Columns by wave, each near what it needs; without lines one after the other. Too wide: one band below another."""
    needs: dict[str, list[str]] = defaultdict(list)
    for first, then in between:
        needs[then].append(first)
    waves: dict[int, list[_Item]] = defaultdict(list)
    for item in items:
        waves[item.wave if between else 0].append(item)
    at: dict[str, float] = {}
    x, right, top, bottom = 20.0, 0.0, 20.0, 0.0
    for wave in sorted(waves):
        if x + _WIDE > widest:
            x, top = 20.0, bottom + GAP / 2
        y, wide = top, 0.0
        for item in sorted(waves[wave], key=lambda one: (_middle(needs.get(one.key, ()), at), one.key)):
            if wide and y + item.tall > top + tallest:
                x, y, wide = x + wide + GAP / 3, top, 0.0
            item.x, item.y, at[item.key] = x, y, y
            y, wide, bottom = y + item.tall + 14, max(wide, item.wide), max(bottom, y + item.tall)
            right = max(right, x + item.wide)
        x += wide + (GAP if between else GAP / 3)
    return right + 20, bottom + 20


def _middle(those: Iterable[str], at: Mapping[str, float]) -> float:
    rows = [at[key] for key in those if key in at]
    return sum(rows) / len(rows) if rows else float("inf")


def _at(item: _Item, place: int) -> tuple[float, float]:
    """Where the n-th node of an item stands."""
    if len(item.members) < _FEW:
        return item.x, item.y
    if item.wide == _WIDE:
        return item.x + (_WIDE - BOX) / 2, item.y + _HEAD + place * ROW
    columns = _columns(len(item.shown))
    return item.x + 15 + place % columns * (BOX + 10), item.y + _HEAD + place // columns * ROW


# -- how they look -----------------------------------------------------------------------------------------------------


def _block(item: _Item, ready: Mapping[Ref, str], nodes: Mapping[Ref, Node], *, open_: bool) -> Block:
    counts = Counter(ready.get(box.ref, "Unknown") for box in item.members)
    faults = [f"{counts[status]:,} {_SAID[status]}" for status in ("False", "Unknown") if counts[status]]
    hidden = counts - Counter(ready.get(box.ref, "Unknown") for box in item.shown)
    rest = ", ".join(f"{hidden[status]:,} {_SAID[status]}" for status in ("False", "Unknown") if hidden[status])
    kind, _, place = item.key.partition("/")
    namespace, _, wave = place.partition("/")
    label = " · ".join(filter(None, [kind, namespace, f"wave {wave}" if wave else ""]))
    number = f"{len(item.members):,}" if kind else f"{len(item.members):,} resources"
    line = ", ".join([number, *faults]) if faults else f"{number}, all ready"
    names = " ".join(box.ref.name for box in item.members) if len(item.members) <= MOST else ""
    return Block(
        key=item.key,
        label=label if len(label) <= _LABEL or open_ else f"{label[: _LABEL - 1]}…",
        line=line,
        said=f"{label}: {line}",
        worst=next(status for status in ("False", "Unknown", "True") if counts[status]),
        bars=_bars(counts, item),
        nodes=[_short(nodes[box.ref], kind, namespace) for box in item.shown],
        rest=f"more: {rest}" if rest else "",
        has=names,
        x=item.x,
        y=item.y,
        width=item.wide,
        height=item.tall,
        font=min(28.0, max(15.0, item.wide / 60)) if open_ else round(min(15.0, 325 / min(len(label), _LABEL)), 1),
        open=open_,
    )


def _short(one: Node, kind: str, namespace: str) -> Node:
    """What the head of its block says needs not be said again."""
    rest = one.ref.removeprefix(f"{kind}/") if kind else f"{one.ref.kind}/{one.ref.name}"
    rest = rest.removeprefix(f"{namespace}/") if kind and namespace else rest
    return replace(one, label=rest if len(rest) <= LABEL else f"{rest[: LABEL - 1]}…")


def _bars(counts: Mapping[str, int], item: _Item) -> list[tuple[str, float, float]]:
    """Whatever there is of is seen, however little."""
    whole, least = item.wide - 20, 4.0
    given = [status for status in _STATUS if counts[status]]
    total, free = sum(counts.values()), whole - least * len(given)
    x, found = item.x + 10, []
    for status in given:
        wide = round(least + free * counts[status] / total, 1)
        found.append((status, round(x, 1), wide))
        x += wide
    return found


def _strand(one: _Item, other: _Item, number: int) -> Strand:
    said = f"{number:,} reference{'' if number == 1 else 's'}"
    return Strand(_path(_side(one), _side(other), one.wide, other.wide), round(1 + log10(number), 1), said)


def _side(item: _Item) -> tuple[float, float]:
    return item.x, item.y + min(item.tall, _HEAD) / 2


def _path(first: tuple[float, float], then: tuple[float, float], wide: float, other: float) -> str:
    """From the right of one to the left of the other; around on the right where both stand in one column."""
    (x, y), (x2, y2) = (first[0] + wide, first[1]), then
    if x2 >= x:
        half = (x + x2) / 2
        return f"M{x:g} {y:g}C{half:g} {y:g} {half:g} {y2:g} {x2:g} {y2:g}"
    if y2 - y > _HEAD:
        return f"M{x:g} {y:g}C{x + GAP:g} {y:g} {x2 - GAP:g} {y2:g} {x2:g} {y2:g}"
    x2 += other
    far = max(x, x2) + GAP / 4
    return f"M{x:g} {y:g}C{far:g} {y:g} {far:g} {y2:g} {x2:g} {y2:g}"


def _faults(
    needs: Mapping[Ref, Sequence[Ref]],
    drawn: Mapping[Ref, tuple[float, float]],
    ready: Mapping[Ref, str],
    within: Mapping[Ref, _Item],
) -> list[Strand]:
    """What does not stand well and waits for what does not stand well, where both are drawn."""
    found = []
    for then, firsts in needs.items():
        for first in firsts:
            both = then in drawn and first in drawn
            if both and "True" not in (ready.get(first, "Unknown"), ready.get(then, "Unknown")):
                start, end = ((drawn[ref][0], drawn[ref][1] + 13) for ref in (first, then))
                small = len(within[first].members) < _FEW and len(within[then].members) < _FEW
                found += [] if small else [Strand(_path(start, end, BOX, BOX), 1.5, f"{then} needs {first}", "False")]
    return found
