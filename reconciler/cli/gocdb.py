"""Commands about GOCDB: export gocdb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.images import exporting
from reconciler.cli.options import Worktree

__all__ = ["export_gocdb", "exporting"]


@exporting.command("gocdb")
def export_gocdb(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="get_site, get_service_endpoint, get_downtime, ...")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[PARAMETER=VALUE]...", help="As GOCDB takes them.")
    ] = None,
    *,
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="COMMIT|TIME", help="As it was: a commit, a day, a time (UTC).", show_default=False
        ),
    ] = "",
    scope: Annotated[
        str,
        typer.Option(
            "--default-scope", metavar="SCOPE", help="Where no scope is named: GOCDB takes EGI.", show_default=False
        ),
    ] = "",
    base: Annotated[str, typer.Option("--base", metavar="URL", help="What links begin with.", show_default=False)] = "",
    worktree: Worktree = False,
) -> int:
    """Print the XML that GOCDB's programmatic interface would answer.

    Every scope is told where none is named; GOCDB tells those of EGI alone then. Without a cursor all is told at once,
    with `next_cursor=0` in pages of 100. `--at 2026-10-12` takes the commit that was current when that day began.

    Examples: `hanse export gocdb get_site certification_status=Certified`;
    `hanse export gocdb get_service_endpoint sitename=TIDE-CLOUD --at 2026-10-12`.
    """
    from reconciler.cli.house import declared, now, settings_of
    from reconciler.downtimes import declarations
    from reconciler.errors import SettingsError
    from reconciler.exchange.gocdb import Feed, Refused, View, answer, topology
    from reconciler.register import commit_named

    wrong = [said for said in parameters or () if "=" not in said]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]}: write PARAMETER=VALUE")
    given = dict(said.split("=", 1) for said in parameters or ())
    settings = settings_of(context.obj)
    read, resources = declared(
        settings, commit_named(settings, at) if at else settings.source.revision, worktree=worktree
    )
    stated = declarations(Path(settings.source.repository), read, resources.items, Path(settings.cache))
    register = topology(resources.items, stated, now())
    try:
        console.say(answer(Feed(register, View(base)), method, given, now(), scope).rstrip("\n"))
    except Refused as error:
        raise SettingsError(str(error)) from error
    if register.unregistered:
        console.note(f"not told, for want of a certification status: {', '.join(register.unregistered)}")
    return 0
