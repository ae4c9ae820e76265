"""Commands about GOCDB: import gocdb, export gocdb."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, come_of, importing, listed, manifests_folder
from reconciler.cli.images import exporting
from reconciler.cli.options import Form, Output, Worktree

if TYPE_CHECKING:
    from reconciler.model import SecretRef

__all__ = ["export_gocdb", "exporting", "import_gocdb"]


@importing.command("gocdb")
def import_gocdb(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="FILE|URL...", help="Answers of GOCDB, or where to ask.")],
    *,
    into: Into = None,
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="YYYY-MM-DD", help="Downtimes from this day on; 31 days ago.", show_default=False
        ),
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take away what the feed has no more.")] = False,
    token: Annotated[
        str, typer.Option("--token", metavar="env:NAME|file:PATH", help="Bearer token of URLs.", show_default=False)
    ] = "",
    ca: Annotated[
        str, typer.Option("--ca", metavar="FILE", help="Authorities that vouch for URLs.", show_default=False)
    ] = "",
    output: Output = Form.TEXT,
) -> int:
    """Turn GOCDB's XML into manifests: a file for each site, with its services.

    A URL is asked for everything, of every scope and page after page, unless it names a method. It can be repeated:
    comments and hand edits stay, and a second import of the same changes nothing. What the feed has no more is told;
    --remove takes it away, if every page was read and nobody added to it. The exit code is 1 when something could not
    be taken in; all the rest was.

    Examples: `hanse import gocdb https://goc.example.org/gocdbpi/public/`; `hanse import gocdb sites.xml services.xml`.
    """
    from datetime import date, timedelta

    from reconciler.cli.house import now, settings_of
    from reconciler.exchange.gocdb import import_gocdb as take_in
    from reconciler.exchange.gocdb import read
    from reconciler.wiring import Wired

    try:
        first = date.fromisoformat(since) if since else now().date() - timedelta(days=31)
    except ValueError as error:
        raise typer.BadParameter(f"--since {since}: write 2026-10-12") from error
    secret = Wired(settings_of(context.obj)).secret(_named(token)) if token else ""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    report = take_in(read(sources, f"{first}", headers, ca), into or manifests_folder(context), now(), remove=remove)
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("could not be taken in", report.problems)
    listed("put right, and taken in", report.findings)
    listed("edited by hand, kept", report.kept)
    listed("gone from the feed" + ("" if remove else ", kept"), report.vanished)
    listed("removed", report.removed)
    console.say(", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in report.counts.items()))
    return come_of(report.created, report.changed, report.removed, complete=report.complete)


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
    from reconciler.errors import SettingsError
    from reconciler.exchange.gocdb import Feed, Refused, View, answer
    from reconciler.register import commit_named, registered

    wrong = [said for said in parameters or () if "=" not in said]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]}: write PARAMETER=VALUE")
    given = dict(said.split("=", 1) for said in parameters or ())
    settings = settings_of(context.obj)
    read, resources = declared(
        settings, commit_named(settings, at) if at else settings.source.revision, worktree=worktree
    )
    register = registered(settings, read, resources.items, now(), None if at else Path(settings.cache))
    try:
        console.say(answer(Feed(register, View(base)), method, given, now(), scope).rstrip("\n"))
    except Refused as error:
        raise SettingsError(str(error)) from error
    if register.unregistered:
        console.note(f"not told, for want of a certification status: {', '.join(register.unregistered)}")
    return 0


def _named(text: str) -> SecretRef:
    """Where a token is found, as it is written on the command line."""
    from reconciler.model import SecretRef

    where, colon, name = text.partition(":")
    if not colon or not name or where not in ("env", "file"):
        raise typer.BadParameter(
            "--token says where the token is, env:NAME or file:PATH, and is never the token itself"
        )
    return SecretRef(env=name) if where == "env" else SecretRef(file=name)
