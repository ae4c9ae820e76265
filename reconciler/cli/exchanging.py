"""Commands that take in and give back what other tools keep: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output

if TYPE_CHECKING:
    from collections.abc import Iterable

importing = typer.Typer(no_args_is_help=True, help="Turn what other tools keep into manifests.")
exporting = typer.Typer(no_args_is_help=True, help="Give manifests back in the form of other tools.")


@importing.callback()
def _importing() -> None:
    """Turn what other tools keep into manifests."""


@exporting.callback()
def _exporting() -> None:
    """Give manifests back in the form of other tools."""


@importing.command("fedcloud")
def import_fedcloud(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Has sites/*.yaml and vo-mappings.yaml.")],
    *,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Manifests folder; the configured one.")
    ] = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn the EGI Federated Cloud's site files and VO mappings into Site and VO manifests.

    It can be repeated: comments and hand edits in the manifests stay, nothing is deleted, and a second import of the
    same data changes nothing. The exit code is 1 when something could not be taken in; all the rest was.

    Example: `hanse import fedcloud ../fedcloud-catchall-operations`.
    """
    from reconciler.exchange.fedcloud import import_fedcloud as take_in

    report = take_in(directory, into or _folder(context))
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    _list("could not be taken in", report.problems)
    _list("odd, taken in as it is", report.findings)
    _list("edited by hand, kept", report.kept)
    _list("gone from the source, kept", report.vanished)
    console.say(f"{report.sites} sites with {report.clouds} clouds, {report.vos} VOs")
    written = len(report.created) + len(report.changed)
    console.say(f"{len(report.created)} files written, {len(report.changed)} changed" if written else "nothing changed")
    console.note("next: hanse plan --worktree, then commit" if written else "the manifests say this already")
    return 0 if report.complete else 1


@exporting.command("fedcloud")
def export_fedcloud(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")],
    *,
    manifests: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Manifests folder; the configured one.")
    ] = None,
    output: Output = Form.TEXT,
) -> int:
    """Give the site files and VO mappings back, with what was changed in the manifests since.

    Example: `hanse export fedcloud ../fedcloud-catchall-operations`.
    """
    from reconciler.exchange.fedcloud import export_fedcloud as give_back

    report = give_back(manifests or _folder(context), directory)
    if output is Form.JSON:
        console.data(report)
    else:
        _list("problems", report.problems)
        _list("not told in this format", report.skipped)
        console.say(f"{len(report.written)} files written, {len(report.unchanged)} unchanged")
    return 1 if report.problems else 0


def _folder(context: typer.Context) -> Path:
    from reconciler.cli.house import settings_of

    settings = settings_of(context.obj)
    return Path(settings.source.repository) / settings.source.paths[0]


def _list(title: str, items: Iterable[object]) -> None:
    said = [str(item) for item in items]
    if said:
        console.say(console.style("heading", f"{title}: {len(said)}"))
        for line in said:
            console.say(f"  {line}")
