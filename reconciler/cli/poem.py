"""Commands of metric templates: import poem, export poem."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, come_of, exporting, importing, listed, manifests_folder
from reconciler.cli.options import Form, Output, Revision, Worktree


@importing.command("poem")
def import_poem(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What POEM's API answers: JSON.")],
    *,
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn metric templates and metric profiles of ARGO's POEM into manifests, without loss.

    It can be repeated: comments in the manifests stay, and the same data changes nothing. A Probe with `template`, or
    one for a profile, runs them. The exit code is 1 when something could not be taken in; all the rest was.

    Example: `hanse import poem metrics.json profiles.json`.
    """
    from reconciler.exchange.poem import import_poem as take_in

    report = take_in(files, into or manifests_folder(context))
    if output is Form.JSON:
        console.data(report)
        return 1 if report.problems else 0
    listed("could not be taken in", report.problems)
    console.say(f"{len(report.templates)} templates, {len(report.profiles)} profiles")
    return come_of(report.created, report.changed, complete=not report.problems)


@exporting.command("poem")
def export_poem(
    context: typer.Context,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    profiles: Annotated[bool, typer.Option("--profiles", help="Metric profiles, in place of templates.")] = False,
) -> int:
    """Print metric templates, or metric profiles, as ARGO's POEM has them.

    Examples: `hanse export poem > metrics.json`; `hanse export poem --profiles`.
    """
    import orjson

    from reconciler.cli.house import declared, settings_of
    from reconciler.exchange.poem import poem_of, profile_json

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    kind = "MetricProfile" if profiles else "MetricTemplate"
    found = {ref.name: one.spec for ref, one in sorted(resources.items.items()) if ref.kind == kind}
    told = [profile_json(n, s) if profiles else {n: poem_of(s)} for n, s in found.items()]
    # The order of options is that of the command: keys are not sorted.
    console.say(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    return 0
