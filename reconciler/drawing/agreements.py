"""Agreements of a month: availability and reliability of each, as points against their targets."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reconciler.drawing.style import BAD, GOOD, GROUND, INK, QUIET, WORST, empty, styled
from reconciler.ola import Evaluation

_WORDS = 102
"""Where numbers stand, beside the longest bar."""
_NAMES = ("availability", "reliability")


def agreements(found: Sequence[Evaluation], month: str) -> Figure:
    """One line for each agreement: what was measured, the target, and in words whether it was kept."""
    with styled():
        figure = Figure(figsize=(10, 1.6 + 0.27 * max(len(found), 2)))
        if not found:
            empty(figure.subplots(), f"no agreement is known in {month}")
            return figure
        areas = figure.subplots(1, 3, sharey=True, width_ratios=(4, 4, 1.6))
        for axes, name in zip(areas, _NAMES, strict=False):
            _measured(axes, found, name)
        _said(areas[2], found)
        areas[0].set_yticks(range(len(found)), [one.subject.name for one in found])
        areas[0].set_ylim(len(found) - 0.4, -0.6)
        partial = " (partial)" if found[0].partial else ""
        figure.suptitle(f"Agreements in {month}{partial}", x=0.01, ha="left", weight="bold", color=INK)
    return figure


def _measured(axes: Axes, found: Sequence[Evaluation], name: str) -> None:
    for place, one in enumerate(found):
        value = getattr(one.measured, name) if one.measured else None
        target = getattr(one.promise, name)
        if target is not None:
            axes.plot([target, target], [place - 0.36, place + 0.36], color=INK, linewidth=2)
        if value is None:
            axes.text(_WORDS, place, "undefined" if one.measured else "not measured", va="center", color=QUIET, size=8)
            continue
        missed = target is not None and value < target
        worst = any(finding.rule == "three-misses" for finding in one.findings)
        colour = (WORST if worst else BAD) if missed else GOOD
        axes.barh(place, value, 0.62, color=colour, edgecolor=GROUND)
        said = f"{value:.1f}" + (" missed" if missed else "")
        axes.text(_WORDS, place, said, va="center", color=INK, size=8)
    axes.set_title(f"{name}, % (line: target)", fontweight="normal", color=QUIET)
    axes.set_xlim(0, 124)
    axes.set_xticks(range(0, 101, 20))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)


def _said(axes: Axes, found: Sequence[Evaluation]) -> None:
    """What else was found, in words."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_title("found", fontweight="normal", color=QUIET)
    for place, one in enumerate(found):
        rules = [finding.rule for finding in one.findings if finding.rule not in _NAMES]
        kept = "kept" if one.is_kept else ""
        axes.text(0, place, ", ".join(rules) or kept, va="center", color=QUIET if one.is_kept else INK, size=8)
