"""hanse acknowledge: a person takes a branch whose history was rewritten."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import By, Reason


def acknowledge(
    context: typer.Context,
    commit: Annotated[str, typer.Argument(metavar="COMMIT", help="The head of the branch, as hanse status shows it.")],
    *,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="Another than the configured one.", show_default=False)
    ] = "",
    reason: Reason = "",
    by: By = "",
) -> int:
    """Take a branch although its history was rewritten: COMMIT comes into force with the next plan.

    It counts for this commit and what follows on it. Signatures are asked for as ever. Where the repository
    has lost what was accepted before (Tenancies), everything counts as it is at COMMIT.

    Examples: `hanse acknowledge 3f2a91c0d4e5 --reason "a secret was removed from the history"`.
    """
    from pathlib import Path

    from reconciler import incoming, source
    from reconciler.cli.house import records, settings_of
    from reconciler.daemon import lease
    from reconciler.errors import SourceError

    settings = settings_of(context.obj).source
    repository = Path(settings.repository)
    revision = branch or settings.revision
    name, head = source.branch_of(repository, revision), source.head_of(repository, revision)
    if not name:
        raise SourceError(f"{revision} is no branch: only branches are followed")
    if source.head_of(repository, commit) != head:
        raise SourceError(f"{commit} is not the head of {name}: that is {head[:12]} now")
    with records(context.obj, write=True) as store:
        known = store.heads.get(name)
        lost = incoming.acknowledge(store, repository, name, head, by or lease.who(), reason)
    before = f" after {known.commit[:12]}" if known and known.commit else ""
    console.say(f"{head[:12]} of {name} is taken{before}")
    if lost:
        console.say(f"{lost[:12]}, which was accepted before, is lost: everything counts as it is at {head[:12]}")
    console.note("next: hanse plan shows what it would do; hanse apply, or the loop, does it")
    return 0
