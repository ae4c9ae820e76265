"""What policies did over time, as a picture: nodes and those at work above, jobs that wait below, one row a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise

from reconciler.simulation.run import Result
from reconciler.simulation.world import Point

_WIDE, _LEFT, _RIGHT, _TOP = 960, 64, 24, 40
_NODES, _QUEUE, _GAP, _HEAD = 120, 56, 14, 30
_ROW = _HEAD + _NODES + _GAP + _QUEUE + 34
_SPAN = _WIDE - _LEFT - _RIGHT
_INK, _QUIET, _LINE = "#1f2328", "#57606a", "#d0d7de"
_ALL, _BUSY, _WAIT = "#9ec5ee", "#2f6fb5", "#d2691e"
_FONT = 'font-family="ui-sans-serif, system-ui, sans-serif" font-size="12"'
_BARS = " ▁▂▃▄▅▆▇█"
_HOUR = 3600.0
_TICKS = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def svg(results: Sequence[Result], title: str) -> str:
    """One self-contained SVG document."""
    end = max((point.at for result in results for point in result.points), default=0.0) or 1.0
    nodes = max((point.nodes for result in results for point in result.points), default=0) or 1
    queued = max((point.queued for result in results for point in result.points), default=0) or 1
    high = _TOP + _ROW * len(results) + 6
    size = f'width="{_WIDE}" height="{high}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_WIDE} {high}" {_FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect {size} fill="#ffffff"/>',
        _text(_LEFT, 22, title, weight="600"),
        *_legend(),
    ]
    for number, result in enumerate(results):
        lines += _row(result, _TOP + number * _ROW, end, nodes, queued)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    for x, colour, said in ((610, _ALL, "nodes"), (680, _BUSY, "with a job"), (776, _WAIT, "jobs waiting")):
        yield f'<rect x="{x}" y="12" width="12" height="12" rx="2" fill="{colour}"/>'
        yield _text(x + 18, 22, said, colour=_QUIET)


def _row(result: Result, top: int, end: float, nodes: int, queued: int) -> Iterator[str]:
    base, floor = top + _HEAD + _NODES, top + _HEAD + _NODES + _GAP + _QUEUE
    said = f"wait {result.wait_mean:,.0f} s mean, {result.wait_p95:,.0f} s p95; {result.node_hours:,.1f} node hours"
    yield _text(_LEFT, top + 18, result.policy, weight="600")
    yield _text(_WIDE - _RIGHT, top + 18, f"{said}, {result.waste_hours:,.1f} wasted", colour=_QUIET, anchor="end")
    for at in _ticks(end):
        x = _LEFT + at / end * _SPAN
        yield f'<path d="M{x:.1f} {top + _HEAD}V{floor}" stroke="{_LINE}" stroke-width="0.6"/>'
        yield _text(x, floor + 16, _clock(at), colour=_QUIET, anchor="middle")
    yield from _axis(top + _HEAD, base, nodes, "nodes")
    yield _area(result.points, end, base, _NODES / nodes, _ALL, lambda point: point.nodes)
    yield _area(result.points, end, base, _NODES / nodes, _BUSY, lambda point: point.busy)
    yield from _axis(base + _GAP, floor, queued, "jobs")
    yield _area(result.points, end, floor, _QUEUE / queued, _WAIT, lambda point: point.queued)


def _axis(top: int, base: int, most: int, unit: str) -> Iterator[str]:
    yield f'<path d="M{_LEFT} {base}H{_WIDE - _RIGHT}" stroke="{_QUIET}" stroke-width="0.8"/>'
    yield f'<path d="M{_LEFT} {top}H{_WIDE - _RIGHT}" stroke="{_LINE}" stroke-width="0.6"/>'
    yield _text(_LEFT - 8, top + 8, f"{most:,}", colour=_QUIET, anchor="end")
    yield _text(_LEFT - 8, base, unit, colour=_QUIET, anchor="end")


def _area(
    points: Sequence[Point], end: float, base: int, scale: float, colour: str, value: Callable[[Point], int]
) -> str:
    """A step function, filled down to its base; steps narrower than a third of a pixel are joined, the highest kept."""
    path = [f"M{_LEFT} {base}"]
    for x, y in _thinned(points, end, value):
        path.append(f"H{x:.1f}V{base - y * scale:.1f}")
    return f'<path d="{"".join(path)}H{_WIDE - _RIGHT}V{base}Z" fill="{colour}"/>'


def _thinned(points: Sequence[Point], end: float, value: Callable[[Point], int]) -> Iterator[tuple[float, int]]:
    columns: dict[int, int] = {}
    for point, after in pairwise([*points, Point(end, 0, 0, 0)]):
        if after.at > point.at or after.at >= end:
            first = int(point.at / end * _SPAN * 3)
            columns[first] = max(columns.get(first, 0), value(point))
            columns[first + 1] = value(point)
    last = None
    for column, height in sorted(columns.items()):
        if height != last:
            yield _LEFT + min(column / 3, _SPAN), height
        last = height


def _ticks(end: float) -> Iterator[float]:
    step = next((step for step in _TICKS if end / step <= 9), _TICKS[-1] * max(1, round(end / _TICKS[-1] / 9)))  # noqa: PLR2004
    at = 0.0
    while at <= end:
        yield at
        at += step


def _clock(at: float) -> str:
    if not at:
        return "0"
    if at < _HOUR:
        return f"{at / 60:.0f} min"
    return f"{at / _HOUR:g} h"


def _text(x: float, y: float, said: str, colour: str = _INK, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(said)}</text>"
    )


def sparkline(result: Result, end: float, most: int, width: int = 60) -> str:
    """Nodes over time in one line of text: each character is the most there was in its share of the time."""
    if not most:
        return " " * width
    heights = [0] * width
    for point, after in pairwise([*result.points, Point(end, 0, 0, 0)]):
        last = min(width - 1, int(after.at / end * width)) if end else 0
        for column in range(min(width - 1, int(point.at / end * width)) if end else 0, last + 1):
            heights[column] = max(heights[column], point.nodes)
    return "".join(_BARS[-(-height * (len(_BARS) - 1) // most)] for height in heights)
