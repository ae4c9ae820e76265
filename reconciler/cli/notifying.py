"""Subscriptions: notify test tells one of them something, to see whether it arrives."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from reconciler.cli import console

notifying = typer.Typer(no_args_is_help=True, help="Who is told how reconciling goes.")


@notifying.callback()
def _notifying() -> None:
    """Who is told how reconciling goes."""


@notifying.command("test")
def test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that its [[notify]] gives it.")],
) -> int:
    """Send a subscriber a message that says that it is a test.

    Example: `hanse notify test operators`.
    """
    from reconciler.cli import codes
    from reconciler.cli.house import settings_of
    from reconciler.daemon.notifying import tried
    from reconciler.errors import SettingsError
    from reconciler.wiring import Wired

    settings = settings_of(context.obj)
    found = [one for one in settings.notify if one.name == name]
    if not found:
        named = ", ".join(sorted(one.name for one in settings.notify if one.name)) or "none has a name"
        raise SettingsError(f"no [[notify]] is called {name}: {named}")
    why = tried(found[0], Wired(settings).secret, int(time.time()))
    if why:
        console.note(f"{name} could not be told: {why}")
        return codes.FAILED
    console.say(f"{name} was told")
    return codes.DONE
