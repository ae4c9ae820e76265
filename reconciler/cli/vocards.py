"""Commands about VO ID cards, as the Operations Portal gives them out: import vocard, export vocard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, come_of, exporting, importing, listed, manifests_folder
from reconciler.cli.images import read_source
from reconciler.cli.options import Form, Output, Worktree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.kinds.vo import VOSpec

Vos = Annotated[list[str] | None, typer.Argument(metavar="VO...", help="Names of VOs; all when left out.")]
At = Annotated[str, typer.Option("--revision", metavar="REVISION", help="Branch, tag or commit; the configured one.")]


@importing.command("vocard")
def import_vocard(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="VO ID cards (VoDump, or root of v2).")],
    *,
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn VO ID cards of EGI's Operations Portal into VO manifests.

    It can be repeated: comments and hand edits in the manifests stay, nothing is deleted, and a second import of the
    same cards changes nothing. What a manifest has no field for is listed. The exit code is 1 when something could not
    be taken in; all the rest was.

    Example: `hanse import vocard https://operations-portal.example.org/xml/voIDCard/public/all/true`.
    """
    from reconciler.exchange.vocard import import_cards

    report = import_cards(read_source(source, "a list of VO ID cards"), source, into or manifests_folder(context))
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("could not be taken in", report.problems)
    listed("not known here, left out", report.unknown)
    listed("edited by hand, kept", report.kept)
    listed("gone from the source, kept", report.vanished)
    console.say(f"{report.vos} VO{'' if report.vos == 1 else 's'}")
    return come_of(report.created, report.changed, complete=report.complete)


@exporting.command("vocard")
def export_vocard(
    context: typer.Context,
    vos: Vos = None,
    *,
    form: Annotated[Literal["v1", "v2"], typer.Option("--form", help="v1: VoDump; v2: root.")] = "v2",
    into: Annotated[Path | None, typer.Option("--into", metavar="FILE", help="Write there, not to stdout.")] = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write VOs as VO ID cards, as the Operations Portal gives them out.

    What a card cannot say is told on stderr. Entitlements, allocations, images and zones have no place on a card.

    Example: `hanse export vocard vo.tides.example.org > card.xml`.
    """
    from reconciler.exchange.vocard import cards

    made = cards(chosen_vos(context, vos or (), revision, worktree=worktree), form)
    if into is None:
        console.say(made.text.rstrip("\n"))
    else:
        into.write_text(made.text, encoding="utf-8")
        console.say(f"wrote {into}")
    for said in made.untold:
        console.note(said)
    return 0


def chosen_vos(context: typer.Context, names: Sequence[str], revision: str, *, worktree: bool) -> dict[str, VOSpec]:
    """The VOs called ``names``, by name; all of them when there are none. Raises SettingsError for one not declared."""
    from reconciler.cli.house import declared, settings_of
    from reconciler.errors import SettingsError
    from reconciler.kinds.vo import vo_name
    from reconciler.nearest import or_meant

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    found: dict[str, VOSpec] = {r.name: one.spec for r, one in resources.items.items() if r.kind == "VO"}
    for name in names:
        if vo_name(name) not in found:
            raise SettingsError(f"there is no VO {name}" + or_meant(name, found))
    return {name: found[name] for name in sorted(map(vo_name, names) if names else found)}
