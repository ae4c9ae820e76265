"""The map: sites by latitude and longitude, on coastlines of Natural Earth (public domain, 1:110 million)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, radians

from reconciler.web.pages.look import FOLDER

_LEAST = 160.0
"""Width of the view at least, in tenths of a degree."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A site with coordinates."""

    name: str
    north: float
    east: float
    ready: str


@dataclass(frozen=True, slots=True)
class Place:
    """A site as it is drawn; without an anchor there is no room for its name."""

    name: str
    ready: str
    said: str
    x: float
    y: float
    tx: float = 0.0
    ty: float = 0.0
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Atlas:
    """Everything that is drawn. Lengths are tenths of a degree of latitude."""

    places: Sequence[Place]
    view: str
    scale: float
    size: float
    font: float
    grid: str


@cache
def land() -> str:
    """Coastlines as a path; x is ten times degrees east, y ten times degrees south."""
    return (FOLDER / "land.path").read_text(encoding="ascii").strip()


def atlas(spots: Sequence[Spot]) -> Atlas:
    """The part of the world in which the sites are."""
    if not spots:
        return Atlas((), "0 0 1 1", 1.0, 1.0, 1.0, "")
    middle = (min(s.north for s in spots) + max(s.north for s in spots)) / 2
    scale = max(0.2, cos(radians(middle)))
    at = [(spot, round(spot.east * 10 * scale, 2), round(-spot.north * 10, 2)) for spot in spots]
    left, right = min(x for _, x, _ in at), max(x for _, x, _ in at)
    top, bottom = min(y for _, _, y in at), max(y for _, _, y in at)
    width = max(_LEAST, (right - left) * 1.35, (bottom - top) * 1.35 * 1.6)
    height = max(width / 1.9, (bottom - top) * 1.35)
    x0, y0 = (left + right - width) / 2, (top + bottom - height) / 2
    size, font = width / 130, width / 62
    return Atlas(_named(at, size, font), f"{x0:.1f} {y0:.1f} {width:.1f} {height:.1f}", scale, size, font, _grid())


def _named(at: Sequence[tuple[Spot, float, float]], size: float, font: float) -> list[Place]:
    """Names go right, left, above or below, wherever nothing stands yet."""
    taken = [(x - size, y - size, x + size, y + size) for _, x, y in at]
    found = []
    for spot, x, y in sorted(at, key=lambda one: (one[2], one[1])):
        said = {"True": "ready", "False": "not ready", "Unknown": "not known to be ready"}[spot.ready]
        wide = len(spot.name) * font * 0.6
        options = (
            (x + 1.8 * size, y + font * 0.35, "start", x + 1.8 * size),
            (x - 1.8 * size, y + font * 0.35, "end", x - 1.8 * size - wide),
            (x, y - 1.8 * size, "middle", x - wide / 2),
            (x, y + 1.8 * size + font * 0.8, "middle", x - wide / 2),
        )
        place = Place(spot.name, spot.ready, said, x, y)
        for tx, ty, anchor, left in options:
            box = (left, ty - font * 0.8, left + wide, ty + font * 0.2)
            if not any(_over(box, other) for other in taken):
                taken.append(box)
                place = Place(spot.name, spot.ready, said, x, y, round(tx, 2), round(ty, 2), anchor)
                break
        found.append(place)
    return found


def _over(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@cache
def _grid() -> str:
    lines = [f"M{east * 10} -900V900" for east in range(-180, 181, 10)]
    return "".join([*lines, *(f"M-1800 {north * 10}H1800" for north in range(-90, 91, 10))])
