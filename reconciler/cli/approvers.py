"""approvers: whose word a change needs, by the roles that RoleAssignments state."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.codes import BLOCKED, DONE
from reconciler.cli.options import Form, Output, Revision, Worktree


def approvers(
    context: typer.Context,
    base: Annotated[str, typer.Argument(metavar="BASE", help="Branch, tag or commit before the change.")],
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="WHO", help="Who has agreed; may be repeated. Exit code 3 if not enough."),
    ] = None,
    output: Output = Form.TEXT,
) -> int:
    """Say whose word a change needs: of each thing that differs from BASE, those of whom one must agree.

    Where Tenancies stand in BASE, they are asked too: then it is told what those who made the change may not do alone.
    Fields count: the certification of a site takes its NGI or the project, the rest of it the site. The roles are those
    of BASE, so that no change grants the right to make it. With --by, what nobody of them may allow is shown alone.

    Examples: `hanse approvers main`; `hanse approvers origin/main --by @ana --by @sea/ngi` in CI.
    """
    from reconciler import authority
    from reconciler.cli.house import declared, settings_of
    from reconciler.exchange.rendered import Need, unmet
    from reconciler.exchange.rendered import approvers as needed

    settings = settings_of(context.obj)
    _, before = declared(settings, base)
    _, after = declared(settings, revision or settings.source.revision, worktree=worktree)
    parts = authority.between(settings, before, after, worktree=worktree).parts
    asked = [(one, part.name) for part in parts for one in part.open]
    needs = needed(before.items, after.items)
    needs += [Need(one.ref, f"{one.what} ({part})", tuple(map(str, one.by))) for one, part in asked]
    missing = unmet(needs, by) if by else []
    shown = missing if by else needs
    if output is Form.JSON:
        console.data(shown)
    else:
        for need in shown:
            console.say(f"{need.ref}: {need.what}: {' '.join(need.holders) or 'nobody holds a role for that'}")
        console.note(f"{len(needs)} to be agreed to" + (f", {len(missing)} of them by others" if by else ""))
    return BLOCKED if missing else DONE
