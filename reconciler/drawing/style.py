"""How pictures look, and how they are written: the same input gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, QUIET, LINE, GROUND = "#1f2328", "#57606a", "#d0d7df", "#ffffff"
SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8c6bb1")
"""Told apart by the colour-blind too (after Okabe and Ito); readable on light and dark."""
OTHERS = "#8b949e"
GOOD, FAIR, DOUBT, BAD, WORST = "#2166ac", "#92c5de", "#fdd49e", "#ef8a62", "#b2182b"
ON_DARK, ON_LIGHT = "#fefefe", "#010101"
"""Of text on a field, whatever the page is like."""
_DOTS = 144
_RC: Any = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "figure.facecolor": GROUND,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the house's way."""
    with rc_context(_RC):
        yield


def svg(figure: Figure, *, inline: bool = False) -> str:
    """The picture as SVG; ``inline`` for a page: without a ground, in the colours of the page."""
    written = StringIO()
    with rc_context(_RC | {"svg.hashsalt": "hanse"}):
        FigureCanvasSVG(figure)
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return _inlined(text) if inline else text


def png(figure: Figure) -> bytes:
    """The picture as PNG, twice as fine as it is large."""
    written = BytesIO()
    with rc_context(_RC):
        FigureCanvasAgg(figure)
        figure.savefig(written, format="png", dpi=_DOTS, metadata={"Software": None})
    return written.getvalue()


def _inlined(text: str) -> str:
    picture = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for colour, name in ((INK, "ink"), (QUIET, "quiet"), (LINE, "line"), (GROUND, "ground")):
        picture = picture.replace(colour, f"var(--{name})")
    return picture


def empty(axes: Axes, said: str) -> None:
    """Say in the place of a drawing that there is none."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, said, ha="center", va="center", transform=axes.transAxes, color=QUIET)
