"""What commands of reports need to draw: the option, and the file in the form that its name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from reconciler.drawing import Part

_FORMS = (".svg", ".png", ".html")


def _checked(file: Path | None) -> Path | None:
    if file is not None and file.suffix not in _FORMS:
        raise typer.BadParameter(f"{file} is none of {', '.join(_FORMS)}")
    return file


Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw it too: FILE.svg, FILE.png, or FILE.html, a page with the tables. Needs hanse[plots].",
        show_default=False,
        callback=_checked,
    ),
]


def draw(
    file: Path | None, title: str, said: str, figure: Callable[[], Figure], parts: Callable[[], list[Part]]
) -> None:
    """Write the picture, or a page that begins with it. Raises SettingsError without matplotlib."""
    if file is None:
        return
    from reconciler.errors import SettingsError

    try:
        from reconciler.drawing import Part, page, png, svg
    except ImportError as error:
        raise SettingsError(f"--plot needs the extra plots ({error.name} is not installed): hanse[plots]") from error
    drawn = figure()
    match file.suffix:
        case ".svg":
            file.write_text(svg(drawn), encoding="utf-8")
        case ".png":
            file.write_bytes(png(drawn))
        case _:
            file.write_text(page(title, said, [Part("At a glance", figure=drawn), *parts()]), encoding="utf-8")
    console.note(f"drawn: {file}")
