"""Commands that take in and give back what other tools keep: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Revision, Worktree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sized

    from reconciler.exchange.shares import Known
    from reconciler.ports import Compute

importing = typer.Typer(no_args_is_help=True, help="Turn what other tools keep into manifests.")
exporting = typer.Typer(no_args_is_help=True, help="Give manifests back in the form of other tools.")
Into = Annotated[Path | None, typer.Option("--into", metavar="DIR", help="Manifests folder; the configured one.")]


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
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn the EGI Federated Cloud's site files and VO mappings into Site and VO manifests.

    It can be repeated: comments and hand edits in the manifests stay, nothing is deleted, and a second import of the
    same data changes nothing. The exit code is 1 when something could not be taken in; all the rest was.

    Example: `hanse import fedcloud ../fedcloud-catchall-operations`.
    """
    from reconciler.exchange.fedcloud import import_fedcloud as take_in

    report = take_in(directory, into or manifests_folder(context))
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("could not be taken in", report.problems)
    listed("odd, taken in as it is", report.findings)
    listed("edited by hand, kept", report.kept)
    listed("gone from the source, kept", report.vanished)
    console.say(f"{report.sites} sites with {report.clouds} clouds, {report.vos} VOs")
    return come_of(report.created, report.changed, complete=report.complete)


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

    The projects of shares that Hanse has made are told of too.

    Example: `hanse export fedcloud ../fedcloud-catchall-operations`.
    """
    from functools import cache

    from reconciler.cli.house import records
    from reconciler.exchange.fedcloud import export_fedcloud as give_back

    @cache
    def made() -> Mapping[str, str]:
        with records(context.obj) as store:
            held = [ref for ref in store.inventory.entries() if ref.kind == "Share"]
            return {r.name: str(given.get("project_id", "")) for r, given in store.inventory.outputs(held).items()}

    report = give_back(manifests or manifests_folder(context), directory, made)
    if output is Form.JSON:
        console.data(report)
    else:
        listed("problems", report.problems)
        listed("not told in this format", report.skipped)
        console.say(f"{len(report.written)} files written, {len(report.unchanged)} unchanged")
    return 1 if report.problems else 0


@exporting.command("caso")
def export_caso(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="Name of a Site.")],
    directory: Annotated[Path | None, typer.Option("--into", metavar="DIR", help="Write there, not to stdout.")] = None,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
) -> int:
    """Write what cASO needs to account a site's clouds: projects, VO property, and the map of VOs to projects.

    Ids of projects that Hanse has made come from its records. The exit code is 1 when something could not be told.

    Example: `hanse export caso CESGA-CLOUD --into /etc/caso`.
    """
    from reconciler.exchange.caso import caso

    made = caso(site, _shares(context, site, revision, worktree=worktree))
    for name, text in made.files.items():
        if directory is None:
            console.say(f"# {name}\n{text}")
            continue
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
        console.say(f"wrote {directory / name}")
    for problem in made.problems:
        console.note(problem)
    return 1 if made.problems else 0


@exporting.command("glue")
def export_glue(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="Name of a Site.")],
    revision: Revision = "",
    *,
    worktree: Worktree = False,
) -> int:
    """Print what a site's clouds offer to each VO, as they say themselves: GLUE 2.1 in JSON.

    A share that cannot be read is said on stderr and left out; the exit code is 1 then. All the others are told.

    Example: `hanse export glue CESGA-CLOUD > site.json`.
    """
    from reconciler.cli.house import declared_with, now, settings_of
    from reconciler.exchange.glue import document, offers
    from reconciler.kinds import Declared
    from reconciler.kinds.virtualcluster.connect import connect, target_id
    from reconciler.model import Ref
    from reconciler.wiring import Wired

    settings = settings_of(context.obj)
    resources = declared_with(settings, "Site", site, revision, worktree=worktree)
    drivers, declared = Wired(settings), Declared(resources)

    def compute(known: Known) -> Compute:
        target = connect(target_id(site, known.cloud.name, known.share.vo_name), declared, drivers)
        return drivers.compute(target)

    found = offers(_shares(context, site, revision, worktree=worktree), compute)
    extensions = {extension.key: extension.value for extension in resources[Ref.of("Site", site)].spec.extensions}
    console.data(document(site, extensions.get("GOCDB_ID", ""), found, now()))
    for offer in found:
        if offer.fault:
            console.note(f"{offer.known.cloud.name}: {offer.known.group} is left out: {offer.fault}")
    return 1 if any(offer.fault for offer in found) else 0


def _shares(context: typer.Context, site: str, revision: str, *, worktree: bool) -> list[Known]:
    """The shares of a site, with the projects that the records know."""
    from reconciler.cli.house import declared_with, records, settings_of
    from reconciler.exchange.shares import shares_of

    resources = declared_with(settings_of(context.obj), "Site", site, revision, worktree=worktree)
    with records(context.obj) as store:
        held = [ref for ref in store.inventory.entries() if ref.kind == "Share"]
        return list(shares_of(site, resources, store.inventory.outputs(held)))


def manifests_folder(context: typer.Context) -> Path:
    """The folder that manifests are written into, unless another is named."""
    from reconciler.cli.house import settings_of

    settings = settings_of(context.obj)
    return Path(settings.source.repository) / settings.source.paths[0]


def listed(title: str, items: Iterable[object]) -> None:
    """Print a list under its title; nothing when it is empty."""
    said = [str(item) for item in items]
    if said:
        console.say(console.style("heading", f"{title}: {len(said)}"))
        for line in said:
            console.say(f"  {line}")


def come_of(created: Sized, changed: Sized, removed: Sized = (), *, complete: bool) -> int:
    """Say what an import came to, and what is next. Gives the exit code: 1 when something was not taken in."""
    if created or changed or removed:
        gone = f", {len(removed)} removed" if removed else ""
        console.say(f"{len(created)} file{'' if len(created) == 1 else 's'} written, {len(changed)} changed{gone}")
        console.note("next: hanse plan --worktree, then commit")
    else:
        console.say("nothing changed")
        console.note("the manifests say this already")
    return 0 if complete else 1
