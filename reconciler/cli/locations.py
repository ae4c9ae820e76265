"""The command that tells which storages a location expression describes: locations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Worktree

if TYPE_CHECKING:
    from reconciler.kinds.datasetrule.places import Places
    from reconciler.kinds.expression import Expression


def locations(
    context: typer.Context,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="A location expression: 'country=ES & tier<2'.")
    ] = "*",
    *,
    rule: Annotated[
        str, typer.Option("--rule", metavar="NAME", help="Of this DatasetRule: what it chooses, and who is next.")
    ] = "",
    revision: Annotated[
        str, typer.Option("--revision", metavar="REV", help="Another than the configured one.", show_default=False)
    ] = "",
    worktree: Worktree = False,
    output: Output = Form.TEXT,
) -> int:
    r"""Say which storages a location expression describes, and why each is in or out. Changes nothing.

    An expression joins conditions from left to right by & (both), | (either) and \ (without). A word alone is an
    attribute that is true, or the name of a site or storage; * is every storage. Only what the manifests say counts.

    Examples: `hanse locations`; `hanse locations 'country=ES & tier<=2 \ tape'`; `hanse locations --rule vo-x/waves`.
    """
    if rule:
        return _chosen(context, rule, revision, output, worktree=worktree)
    from reconciler.cli.house import declared, settings_of
    from reconciler.errors import SettingsError
    from reconciler.kinds import Declared
    from reconciler.kinds.datasetrule.places import Places
    from reconciler.kinds.expression import Expression, ExpressionError

    try:
        parsed = Expression.parse(expression)
    except ExpressionError as error:
        raise SettingsError(f"{error}\n{error.drawn}") from error
    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    places = Places.of(Declared(resources.items))
    found = _judged(parsed, places)
    keys = {term.key for term in parsed.terms} - {"*"}
    unknown = sorted(key for key in keys if key not in places.storages.texts)
    if output is Form.JSON:
        console.data({"expression": expression, "storages": found, "unknown": unknown})
        return 0
    rows = [("in" if one["in"] else "out", one["storage"], one["why"], "; ".join(one["but"])) for one in found]
    console.say(console.table(("", "STORAGE", "WHY", "BUT"), rows))
    number = sum(one["in"] for one in found)
    console.note(f"{number} of {len(found)} storages are in {expression}")
    for key in unknown:
        console.note(f"no storage has an attribute {key}, or is called so")
    return 0


def _judged(parsed: Expression, places: Places) -> list[dict[str, Any]]:
    """Every storage with whether it is in and why, those that are in first."""
    from reconciler.kinds.datasetrule.candidates import closed

    matching, explain = parsed.matching(places.storages), parsed.explainer(places.storages)
    found = []
    for name, place in places.by_name.items():
        shut = closed(place)
        found.append(
            {
                "storage": name,
                "in": name in matching,
                "why": explain(name) or "every storage is",
                "but": [shut] if shut else [],
                "attributes": {key: value for key, value in place.attributes.items() if value is not True},
            }
        )
    return sorted(found, key=lambda one: (not one["in"], one["storage"]))


def _chosen(context: typer.Context, rule: str, revision: str, output: Form, *, worktree: bool) -> int:
    """What a rule chooses, with every candidate."""
    from reconciler.cli.house import opened
    from reconciler.cli.placed import candidates, named, proposed
    from reconciler.place.wish import LOOK

    name = rule if rule.startswith("DatasetRule/") else f"DatasetRule/{rule}"
    with opened(context.obj, write=False) as house:
        proposal = proposed(house, revision or house.settings.source.revision, LOOK, worktree=worktree)
    choices = named([*proposal.graph.choices, *proposal.graph.unplaced.values()], name)
    candidates(choices, output)
    if output is Form.TEXT:
        for choice in choices:
            console.note(f"next: {choice.runner_up or 'none'}")
    return 0
