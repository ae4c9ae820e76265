"""A drawing as SVG, laid out here: waves are columns, arrows run from left to right, boxes sit near what they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from reconciler.model import Ref
from reconciler.plan.render.drawing import Box, Drawing
from reconciler.plan.render.notation import COLOURS, label

_CHARACTER = 6.7
"""Width of one character of the monospaced labels, in pixels at 11 px."""
_HEIGHT, _GAP, _LANE, _MARGIN, _TOP = 26, 12, 90, 16, 34
_SWEEPS = 4
_FONT = 'font-family="ui-monospace, monospace" font-size="11"'
_TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#57606a"/></marker>'
)


@dataclass(frozen=True, slots=True)
class _Spot:
    x: float
    y: float
    width: float


def svg(drawing: Drawing) -> str:
    """A picture of the drawing: one self-contained SVG document."""
    spots = _laid_out(drawing)
    wide = max((spot.x + spot.width for spot in spots.values()), default=0) + _MARGIN
    high = max((spot.y + _HEIGHT for spot in spots.values()), default=0) + _MARGIN
    heads = [_heading(number, spots[wave[0].ref]) for number, wave in enumerate(drawing.waves, 1)]
    size = f'width="{wide:.0f}" height="{high:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {wide:.0f} {high:.0f}" {_FONT}>',
        f"<defs>{_TIP}</defs>",
        f'<rect {size} fill="#ffffff"/>',
        *heads,
        *(_arrow(spots[a.first], spots[a.then], a.label) for a in drawing.arrows),
        *(_box(box, spots[box.ref]) for box in drawing.boxes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _laid_out(drawing: Drawing) -> dict[Ref, _Spot]:
    """Columns by wave; within each, rows by where the neighbours sit (a few barycentre sweeps)."""
    near: dict[Ref, list[Ref]] = defaultdict(list)
    for arrow in drawing.arrows:
        near[arrow.first].append(arrow.then)
        near[arrow.then].append(arrow.first)
    columns = [list(wave) for wave in drawing.waves]
    rows: dict[Ref, float] = {box.ref: float(row) for column in columns for row, box in enumerate(column)}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda box: (_mean(box.ref, near, rows), box.ref))
            rows.update({box.ref: float(row) for row, box in enumerate(column)})
    return _placed(columns)


def _mean(ref: Ref, near: Mapping[Ref, list[Ref]], rows: Mapping[Ref, float]) -> float:
    others = near.get(ref)
    return sum(rows[other] for other in others) / len(others) if others else rows[ref]


def _placed(columns: list[list[Box]]) -> dict[Ref, _Spot]:
    spots: dict[Ref, _Spot] = {}
    tallest = max((len(column) for column in columns), default=0)
    x = float(_MARGIN)
    for column in columns:
        width = max(len(label(box)) for box in column) * _CHARACTER + 16
        start = _TOP + (tallest - len(column)) * (_HEIGHT + _GAP) / 2
        for row, box in enumerate(column):
            spots[box.ref] = _Spot(x, start + row * (_HEIGHT + _GAP), width)
        x += width + _LANE
    return spots


def _heading(number: int, spot: _Spot) -> str:
    return f'<text x="{spot.x:.1f}" y="20" fill="#57606a">{number}</text>'


def _box(box: Box, spot: _Spot) -> str:
    fill, line = COLOURS[box.role]
    dashes = ' stroke-dasharray="4 3"' if box.role in ("blocked", "defer") else ""
    return (
        f'<g><title>{escape(box.role)} {escape(box.ref)}</title><rect x="{spot.x:.1f}" y="{spot.y:.1f}" '
        f'width="{spot.width:.1f}" height="{_HEIGHT}" rx="5" fill="{fill}" stroke="{line}"{dashes}/>'
        f'<text x="{spot.x + 8:.1f}" y="{spot.y + 17:.1f}" fill="#1f2328">{escape(label(box))}</text></g>'
    )


def _arrow(first: _Spot, then: _Spot, said: str) -> str:
    x1, y1 = first.x + first.width, first.y + _HEIGHT / 2
    x2, y2 = then.x, then.y + _HEIGHT / 2
    bend = max(30.0, (x2 - x1) / 2)
    dashes = ' stroke-dasharray="3 3"' if said == "exists" else ""
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}" '
        f'fill="none" stroke="#57606a" marker-end="url(#tip)"{dashes}/>'
    )
