"""Availability of sites by day, as a map: one line for each site, one field for each day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from reconciler.drawing.style import BAD, DOUBT, FAIR, GOOD, INK, LINE, ON_DARK, ON_LIGHT, OTHERS, WORST, empty, styled
from reconciler.model.uptime import UptimeRecord

_STEPS: tuple[tuple[float, str, str], ...] = (
    (0, WORST, "below 50 %"),
    (50, BAD, "50 to 80 %"),
    (80, DOUBT, "80 to 95 %"),
    (95, FAIR, "95 to 99 %"),
    (99, GOOD, "99 % and more"),
)
_FIELD = Path.unit_rectangle().transformed(Affine2D().scale(0.92).translate(0.04, 0.04))
_TOLD = 95
"""Below it, a field tells its number too."""
_WIDE = 45
"""Of so many days and more, fields are too narrow for numbers."""


def availability(rows: Iterable[UptimeRecord], first: date, last: date, today: date, title: str = "") -> Figure:
    """From the rows of sites. Days that are not known are grey, days to come are empty."""
    by_site: dict[str, dict[date, UptimeRecord]] = {}
    for row in rows:
        if row.level == "group":
            by_site.setdefault(row.site, {})[row.day] = row
    sites = sorted(by_site)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with styled():
        figure = Figure(figsize=(max(6.5, 2.6 + 0.3 * min(len(days), 60)), 1.9 + 0.24 * max(len(sites), 2)))
        axes = figure.subplots()
        if not sites:
            empty(axes, f"nothing is known of {first} to {last}")
            return figure
        _fields(axes, by_site, sites, days)
        _ends(axes, sites, days)
        partial = f" (partial: {today} is not over)" if first <= today <= last else ""
        axes.set_title(f"{title or 'Availability'} by site and day, {first} to {last}{partial}")
        _legend(figure)
    return figure


def _fields(
    axes: Axes, by_site: Mapping[str, Mapping[date, UptimeRecord]], sites: Sequence[str], days: Sequence[date]
) -> None:
    """Fields of one colour are one path: a year of a hundred sites stays a small file."""
    fields: dict[str, list[Path]] = {}
    known = [
        (x, y, by_site[site][day].availability)
        for y, site in enumerate(sites)
        for x, day in enumerate(days)
        if day in by_site[site]
    ]
    for x, y, value in known:
        colour = _colour(value)
        fields.setdefault(colour, []).append(_FIELD.transformed(Affine2D().translate(x, y)))
        if 0 <= value < _TOLD and len(days) < _WIDE:
            ink = ON_DARK if colour == WORST else ON_LIGHT
            axes.text(x + 0.5, y + 0.5, f"{value:.0f}", ha="center", va="center", size=7, color=ink)
    for colour, paths in sorted(fields.items()):
        axes.add_patch(PathPatch(Path.make_compound_path(*paths), facecolor=colour, linewidth=0))


def _colour(value: float) -> str:
    return OTHERS if value < 0 else next(colour for step, colour, _ in reversed(_STEPS) if value >= step)


def _ends(axes: Axes, sites: Sequence[str], days: Sequence[date]) -> None:
    step = 1 if len(days) < _WIDE else 7
    axes.set_xticks([n + 0.5 for n in range(0, len(days), step)], [f"{day:%d}" for day in days[::step]])
    axes.set_yticks([n + 0.5 for n in range(len(sites))], sites)
    for at in [n for n, day in enumerate(days) if day.day == 1 and n]:
        axes.axvline(at, color=INK, linewidth=1.2)
    axes.set_ylim(len(sites), 0)
    axes.set_xlim(0, len(days))
    axes.tick_params(length=0)
    months = sorted({f"{day:%Y-%m}" for day in days})
    axes.set_xlabel(f"day of {months[0]}" if len(months) == 1 else f"day, {months[0]} to {months[-1]}")
    for side in axes.spines.values():
        side.set_visible(False)


def _legend(figure: Figure) -> None:
    fields = [Patch(facecolor=colour, edgecolor=LINE, label=said) for _, colour, said in reversed(_STEPS)]
    fields.append(Patch(facecolor=OTHERS, edgecolor=LINE, label="undefined"))
    figure.legend(handles=fields, loc="outside lower left", ncols=6, title="availability of the day", alignment="left")
