"""Options that several commands share, said once so that they read the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True)
class Place:
    """Which federation a command works on."""

    root: Path
    config: Path | None = None

    @classmethod
    def found(cls, directory: Path | None, config: Path | None) -> Place:
        """What was asked for; otherwise the nearest folder upwards that has a hanse.toml, otherwise here.

        What lies above the top of a git repository is not of this federation: it is not looked at.
        """
        if directory is not None or config is not None:
            return cls((directory or Path.cwd()).absolute(), config.absolute() if config else None)
        here = Path.cwd()
        return cls(next((folder for folder in _within(here) if (folder / "hanse.toml").is_file()), here))

    @classmethod
    def passed_over(cls, directory: Path | None, config: Path | None) -> Path | None:
        """The nearest hanse.toml that is not read because it lies above the repository; None where one is found."""
        within = _within(Path.cwd())
        if directory or config or any((folder / "hanse.toml").is_file() for folder in within):
            return None
        above = (folder / "hanse.toml" for folder in within[-1].parents)
        return next((file for file in above if file.is_file()), None)


def _within(here: Path) -> list[Path]:
    """The folder and those around it, up to the top of its git repository, or of everything where there is none."""
    folders = [here, *here.parents]
    top = next((n for n, folder in enumerate(folders) if (folder / ".git").exists()), len(folders) - 1)
    return folders[: top + 1]


class Form(StrEnum):
    """Text for people, JSON for programs."""

    TEXT = "text"
    JSON = "json"


class PlanForm(StrEnum):
    """How a plan is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FaultForm(StrEnum):
    """How faults are shown."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class DrawingForm(StrEnum):
    """How a drawing is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    JSON = "json"


def kinds_known(given: list[str] | None) -> list[str] | None:
    """The kinds that were asked for. Raises BadParameter for one that there is not."""
    if given:
        from difflib import get_close_matches

        from reconciler.kinds import registry

        names = {name.lower(): name for name in registry()}
        for kind in given:
            if kind not in names.values():
                close = get_close_matches(kind.lower(), names, n=1)
                cure = f"did you mean {names[close[0]]}?" if close else f"there are {', '.join(sorted(names.values()))}"
                raise typer.BadParameter(f"there is no kind {kind}: {cure}")
    return given


Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only this kind.", callback=kinds_known)
]
Output = Annotated[Form, typer.Option("-o", "--output", help="Text for people, or JSON for programs.")]
Revision = Annotated[
    str,
    typer.Argument(help="Branch, tag or commit; the configured one (usually HEAD) when left out.", metavar="REVISION"),
]
Worktree = Annotated[bool, typer.Option("--worktree", help="Take the files as they stand, committed or not.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the history.", show_default=False)
]
By = Annotated[
    str, typer.Option("--by", metavar="WHO", help="Who takes responsibility; you, when left out.", show_default=False)
]
