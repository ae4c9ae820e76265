"""Usage as stacked bars: a bar for each month, a piece for each VO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from reconciler.web.shapes import UsageShape

_SHOWN = 8
"""VOs with a colour of their own; the others share one."""
_LEFT, _TOP, _BOTTOM, _STEP = 60, 12, 270, 62


@dataclass(frozen=True, slots=True)
class Bar:
    """One VO in one month."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    partial: bool
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is drawn."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    months: Sequence[tuple[float, str]]
    legend: Sequence[tuple[str, str]]
    width: int


def chart(found: Sequence[UsageShape], months: Sequence[str]) -> Chart:
    """Core hours. VOs beyond the eight largest are told as others."""
    hours: dict[tuple[str, str], float] = {}
    whole: dict[str, float] = {}
    for one in found:
        hours[one.month, one.vo] = hours.get((one.month, one.vo), 0.0) + one.core_hours
        whole[one.vo] = whole.get(one.vo, 0.0) + one.core_hours
    largest = sorted(sorted(whole, key=lambda vo: (-whole[vo], vo))[:_SHOWN])
    colours = {vo: f"s{n}" for n, vo in enumerate(largest)}
    partial = {one.month for one in found if one.partial}
    top = _round(max((sum(h for (m, _), h in hours.items() if m == month) for month in months), default=0.0))
    bars = [bar for n, month in enumerate(months) for bar in _stack(n, month, hours, colours, top, month in partial)]
    ticks = [(_y(top * n / 4, top), f"{top * n / 4:,.0f}" if top >= 4 else f"{top * n / 4:g}") for n in range(5)]  # noqa: PLR2004
    marks = [(_LEFT + _STEP * (n + 0.5), month) for n, month in enumerate(months)]
    legend = [(vo or "no VO", colour) for vo, colour in colours.items()]
    legend += [("others", "s8")] if len(whole) > _SHOWN else []
    return Chart(bars, ticks, marks, legend, _LEFT + _STEP * len(months) + 8)


def _stack(
    place: int, month: str, hours: dict[tuple[str, str], float], colours: dict[str, str], top: float, partial: bool
) -> list[Bar]:
    found, below = [], 0.0
    for (_, vo), value in sorted((key, h) for key, h in hours.items() if key[0] == month and h > 0):
        y, floor_ = _y(below + value, top), _y(below, top)
        said = f"{vo or 'no VO'}, {month}: {value:,.1f} core hours{' so far' if partial else ''}"
        x = _LEFT + _STEP * place + 9
        found.append(Bar(x, round(y, 2), _STEP - 18, round(floor_ - y, 2), colours.get(vo, "s8"), partial, said))
        below += value
    return found


def _y(value: float, top: float) -> float:
    return _BOTTOM - (value / top if top else 0) * (_BOTTOM - _TOP)


def _round(value: float) -> float:
    """The next number that a scale can end with."""
    if value <= 0:
        return 1.0
    size = 10 ** floor(log10(value))
    return float(next(size * step for step in (1, 2, 4, 5, 8, 10) if ceil(value / size * 1e9) <= step * 1e9))
