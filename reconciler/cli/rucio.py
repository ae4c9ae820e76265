"""Commands about a Rucio: import rucio, export rucio."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, come_of, importing, listed, manifests_folder
from reconciler.cli.gocdb import exporting
from reconciler.cli.options import Form, Output, Revision, Worktree

__all__ = ["export_rucio", "exporting", "import_rucio"]


@importing.command("rucio")
def import_rucio(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help='The Rucio: [targets."rucio:NAME"] in hanse.toml.')],
    *,
    namespace: Annotated[str, typer.Option("--namespace", metavar="NS", help="Of the rules and datasets.")],
    vo: Annotated[str, typer.Option("--vo", metavar="VO", help="Whose data it is.", show_default=False)] = "",
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn a Rucio's storages (RSEs), and the rules and datasets of its account, into manifests.

    Storages keep their names, so that expressions go on meaning the same; each belongs to the Site that its attribute
    `site` names. Where Rucio has all of a dataset, that is a copy in place: it is not copied anew. What Rucio says is
    written over, what people have added stays, and nothing is deleted. It can be repeated. The exit code is 1 when
    something could not be taken in; all the rest was.

    Example: `hanse import rucio main --namespace vo.ocean.example.org --vo vo.ocean.example.org`.
    """
    from reconciler.cli.house import settings_of
    from reconciler.exchange.rucio import import_rucio as take_in
    from reconciler.model import Target
    from reconciler.wiring import Wired

    drivers = Wired(settings_of(context.obj))
    identity = f"rucio:{name}"
    keeper = drivers.rules(Target(identity, *drivers.options(identity, "")))
    report = take_in(keeper, identity, into or manifests_folder(context), namespace, vo)
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("could not be taken in", report.problems)
    console.say(f"{report.storages} storages, {report.rules} rules about {report.datasets} datasets")
    return come_of(report.created, report.changed, complete=report.complete)


@exporting.command("rucio")
def export_rucio(
    context: typer.Context,
    revision: Revision = "",
    *,
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Whose rules they will be.", show_default=False)
    ] = "",
    worktree: Worktree = False,
) -> int:
    """Print every DatasetRule as Rucio's add_rule takes it: a JSON list of bodies of `POST /rules/`.

    Expressions are put into Rucio's language. What that has no words for (`!=`, decimals, spread) is said on stderr and
    left out; the exit code is 1 then.

    Example: `hanse export rucio --account ocean > rules.json`.
    """
    from reconciler.cli.house import declared, now, settings_of
    from reconciler.exchange.rucio import export_rules

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    found = export_rules(resources.items, now(), account)
    console.data(found.rules)
    for problem in found.problems:
        console.note(problem)
    return 1 if found.problems else 0
