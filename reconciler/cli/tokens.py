"""Tokens of machines that come in over HTTP: token create, list, revoke."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import By, Form, Output

tokens = typer.Typer(no_args_is_help=True, help="Let machines in over HTTP, and put them out again.")


class Right(StrEnum):
    """What a token may do."""

    RESULTS = "results"
    READ = "read"
    METRICS = "metrics"
    PAUSE = "pause"


Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is known by: the machine, or its use.")]


@tokens.callback()
def _tokens() -> None:
    """Let machines in over HTTP, and put them out again."""


@tokens.command("create")
def create(
    context: typer.Context,
    name: Name,
    *,
    may: Annotated[
        list[Right],
        typer.Option(
            "--may",
            help="results: tell results of probes; read: availability and statuses; metrics: GET /metrics; "
            "pause: hold and let go on.",
        ),
    ],
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="It holds for so long; left out, until it is revoked.")
    ] = None,
    by: By = "",
) -> int:
    """Make a token and print it, this once: only its digest is kept.

    Example: `hanse token create nagios-north --may results > token`.
    """
    import secrets
    from datetime import timedelta

    from reconciler.cli.house import now, records
    from reconciler.daemon import lease

    until = now() + timedelta(days=days) if days else None
    with records(context.obj, write=True) as store:
        token = store.tokens.create(name, [one.value for one in may], by or lease.who(), secrets.token_hex, until)
    console.say(token)
    console.note("it is shown this once; hanse token revoke ends it")
    return 0


@tokens.command("list")
def listed(context: typer.Context, *, output: Output = Form.TEXT) -> int:
    """Say which tokens there are, and what they may do; what their bearers show is not known.

    Example: `hanse token list`.
    """
    from reconciler.cli.house import now, records

    with records(context.obj) as store:
        found = store.tokens.all()
    if output is Form.JSON:
        console.data(found)
        return 0
    moment = now()
    rows = [
        (
            one.name,
            ", ".join(one.may),
            one.by,
            f"{one.since:%Y-%m-%d %H:%M}",
            "holds" if one.holds(moment) else "revoked" if one.revoked_at else "over",
        )
        for one in found
    ]
    console.say(console.table(("NAME", "MAY", "BY", "SINCE", "STATE"), rows) if rows else "there are no tokens")
    return 0


@tokens.command("revoke")
def revoke(context: typer.Context, name: Name) -> int:
    """End a token at once, also for a loop that runs.

    Example: `hanse token revoke nagios-north`.
    """
    from reconciler.cli.house import records
    from reconciler.errors import SettingsError

    with records(context.obj, write=True) as store:
        if not store.tokens.revoke(name):
            raise SettingsError(f"there is no token {name} that holds: hanse token list")
    console.say(f"{name} is revoked")
    return 0
