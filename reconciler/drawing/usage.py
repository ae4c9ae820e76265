"""Usage by month: core hours, stacked by VO, and how well jobs used their cores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from reconciler.drawing.style import GROUND, INK, OTHERS, SERIES, empty, styled
from reconciler.exchange.usage import Total

_FOLDED = "others"
_LABELLED = 14
"""So many months are named; of more, every second or third."""


def usage(totals: Iterable[Total], title: str = "Usage") -> Figure:
    """From totals by month and VO. VOs beyond the eight largest are one; months that are not over are hatched."""
    rows = list(totals)
    months = sorted({row.month for row in rows})
    shown = _largest(rows)
    jobs = [row for row in rows if row.kind == "job"]
    with styled():
        figure = Figure(figsize=(10, 6.4 if jobs else 4.2))
        if not rows:
            empty(figure.subplots(), "nothing was used")
            return figure
        areas: Sequence[Axes] = (
            figure.subplots(2, 1, sharex=True, height_ratios=(3, 2)) if jobs else [figure.subplots()]
        )
        _stacks(areas[0], rows, months, shown, title)
        if jobs:
            _efficiency(areas[1], jobs, months, shown)
        _months(areas[-1], months, {row.month for row in rows if row.partial})
    return figure


def _largest(rows: Sequence[Total]) -> list[str]:
    hours: dict[str, float] = {}
    for row in rows:
        hours[row.vo] = hours.get(row.vo, 0.0) + row.core_hours
    return sorted(sorted(hours, key=lambda vo: (-hours[vo], vo))[: len(SERIES)])


def _stacks(axes: Axes, rows: Sequence[Total], months: Sequence[str], shown: Sequence[str], title: str) -> None:
    partial = {row.month for row in rows if row.partial}
    floor = [0.0] * len(months)
    for vo, colour in _coloured(rows, shown):
        heights = [_sum(rows, month, vo, shown) for month in months]
        bars = axes.bar(range(len(months)), heights, 0.72, floor, color=colour, label=vo or "no VO", edgecolor=GROUND)
        for bar, month in zip(bars, months, strict=True):
            if month in partial:
                bar.set_hatch("////")
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    for place, top in enumerate(floor):
        axes.annotate(f"{top:,.0f}", (place, top), (0, 3), textcoords="offset points", ha="center", color=INK)
    axes.set_title(f"{title}: core hours by VO")
    axes.set_ylabel("core hours")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.margins(y=0.12)
    axes.grid(axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="VO")


def _coloured(rows: Sequence[Total], shown: Sequence[str]) -> list[tuple[str, str]]:
    folded = [(_FOLDED, OTHERS)] if any(row.vo not in shown for row in rows) else []
    return [*zip(shown, SERIES, strict=False), *folded]


def _sum(rows: Sequence[Total], month: str, vo: str, shown: Sequence[str]) -> float:
    own = [row for row in rows if row.month == month and (row.vo if row.vo in shown else _FOLDED) == vo]
    return sum(row.core_hours for row in own)


def _efficiency(axes: Axes, jobs: Sequence[Total], months: Sequence[str], shown: Sequence[str]) -> None:
    """CPU time of jobs over their core time; a gap where a VO had none."""
    for vo, colour in _coloured(jobs, shown):
        values = [
            _ratio([j for j in jobs if j.month == m and (j.vo if j.vo in shown else _FOLDED) == vo]) for m in months
        ]
        axes.plot(range(len(months)), values, color=colour, marker="o", markersize=5, linewidth=1.5)
    overall = [_ratio([job for job in jobs if job.month == month]) for month in months]
    axes.plot(range(len(months)), overall, color=INK, linewidth=2.2, linestyle="--", marker="s", label="all jobs")
    axes.set_title("CPU efficiency of jobs")
    axes.set_ylabel("CPU time / core time")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, max(1.05, *(value for value in overall if value == value), 0.0))  # noqa: PLR0124 (not a number)
    axes.grid(axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _ratio(jobs: Sequence[Total]) -> float:
    cores = sum(job.core_hours for job in jobs)
    return sum(job.cpu_hours for job in jobs) / cores if cores else float("nan")


def _months(axes: Axes, months: Sequence[str], partial: set[str]) -> None:
    step = -(-len(months) // _LABELLED)
    named = [f"{m}\n(partial)" if m in partial else m for m in months]
    axes.set_xticks(range(0, len(months), step), named[::step])
    axes.set_xlim(-0.7, max(len(months) - 0.3, 2.3))
    axes.set_xlabel("month")
