"""Commands for pull requests: pr comment, pr status. CI uses them; the loop does the same by itself."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console

if TYPE_CHECKING:
    from reconciler.cli.options import Place
    from reconciler.ports.forge import Forge

forging = typer.Typer(no_args_is_help=True, help="Tell a pull request its plan, and a commit its status.")


class State(StrEnum):
    """How a commit stands."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@forging.callback()
def _forging() -> None:
    """Tell a pull request its plan, and a commit its status."""


@forging.command("comment")
def comment(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the pull request.", min=1)],
    *,
    body: Annotated[
        Path | None,
        typer.Option("--body", metavar="FILE", help="What hanse plan -o markdown wrote; stdin when left out."),
    ] = None,
) -> int:
    """Write a comment on a pull request, or change the one that was written before. [forge] says where.

    Example: `hanse plan HEAD --base origin/main -o markdown | hanse pr comment 7`.
    """
    from reconciler.plan.render import MARKER, within

    said = body.read_text(encoding="utf-8") if body else sys.stdin.read()
    said = said if said.startswith(MARKER) else f"{MARKER}\n{said}"
    _forge(context.obj).tell(number, MARKER, within(said))
    console.note(f"told #{number}")
    return 0


@forging.command("status")
def status(
    context: typer.Context,
    commit: Annotated[str, typer.Argument(metavar="COMMIT", help="All of its 40 digits.")],
    state: Annotated[State, typer.Argument(help="How it stands.")],
    *,
    said: Annotated[str, typer.Option("--said", metavar="TEXT", help="One line.")] = "",
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where more is told.", show_default=False)] = "",
) -> int:
    """Give a commit our status on the forge.

    Example: `hanse pr status "$GITHUB_SHA" pending --said "planning"`.
    """
    _forge(context.obj).mark(commit, state.value, said or state.value, url)
    console.note(f"{commit[:12]} is {state.value}")
    return 0


def _forge(place: Place) -> Forge:
    from reconciler.cli.house import settings_of
    from reconciler.drivers.forge import forge
    from reconciler.errors import SettingsError
    from reconciler.wiring import Wired

    settings = settings_of(place)
    found = settings.forge
    if found is None:
        raise SettingsError("there is no [forge] in hanse.toml: kind, repository and token say where to tell it")
    drivers = Wired(settings)
    return forge(
        found.kind,
        found.url,
        found.repository,
        lambda: drivers.secret(found.token),
        context=found.context,
        user=found.user,
        ca=found.ca,
    )
