"""The command that tells where things go: place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Worktree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model import Choice, Plan
    from reconciler.place import Wish
    from reconciler.reconcile import House, Proposal


def place(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(metavar="KIND/NAME", help="One resource, with every candidate.")] = "",
    *,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="Propose moves to places that are better now.")
    ] = False,
    revision: Annotated[
        str, typer.Option("--revision", metavar="REV", help="Another than the configured one.", show_default=False)
    ] = "",
    worktree: Worktree = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the moves for hanse apply FILE.", show_default=False),
    ] = None,
    output: Output = Form.TEXT,
) -> int:
    """Say where everything goes that leaves its place open, and how the places compare. Changes nothing.

    Choices are kept until they become impossible. With --rebalance the moves are shown that a better score would be
    worth ([place] rebalance_gain); the exit code is then 2 when there are any. A saved plan of moves is applied like
    any other.

    Examples: `hanse place`; `hanse place VirtualCluster/vo-x/hpc`; `hanse place --rebalance --out moves.json`.
    """
    from reconciler.cli.house import opened
    from reconciler.place.wish import LOOK, Wish

    with opened(context.obj, write=False) as house:
        wish = Wish(gain=house.settings.place.rebalance_gain) if rebalance else LOOK
        proposal = proposed(house, revision or house.settings.source.revision, wish, worktree=worktree)
    choices = [*proposal.graph.choices, *proposal.graph.unplaced.values()]
    if rebalance:
        return _moves(proposal, out, output)
    if resource:
        candidates(named(choices, resource), output)
    else:
        _overview(choices, output)
    return 0


def proposed(house: House, revision: str, wish: Wish, *, worktree: bool) -> Proposal:
    """What would be done, with choices looked upon as wished."""
    from reconciler.reconcile import propose

    with console.waiting("reading") as told:
        house.progress = told
        return propose(house, revision, worktree=worktree, wish=wish)


def named(choices: Sequence[Choice], resource: str) -> list[Choice]:
    """The choices of one resource; raises SettingsError where it leaves none open."""
    from reconciler.errors import SettingsError
    from reconciler.nearest import or_meant

    found = [choice for choice in choices if choice.ref == resource]
    if not found:
        raise SettingsError(f"{resource} leaves no place open" + or_meant(resource, [choice.ref for choice in choices]))
    return found


def _overview(choices: Sequence[Choice], output: Form) -> None:
    if output is Form.JSON:
        console.data({"choices": choices})
        return
    if not choices:
        console.note("nothing leaves its place open")
        return
    rows = [(c.ref, c.field, ", ".join(c.chosen) or "none", _score(c, c.chosen), _second(c), c.reason) for c in choices]
    console.say(console.table(("RESOURCE", "FIELD", "PLACE", "SCORE", "NEXT BEST", "WHY"), rows))


def _score(choice: Choice, names: Sequence[str]) -> str:
    found = [f"{one.score:.3f}" for one in choice.ranked if one.name in names and one.parts]
    return ", ".join(found) or "-"


def _second(choice: Choice) -> str:
    return f"{choice.runner_up} {_score(choice, [choice.runner_up])}" if choice.runner_up else "-"


def candidates(choices: Sequence[Choice], output: Form) -> None:
    """Every candidate, with the parts of its score, or with what is against it."""
    if output is Form.JSON:
        console.data({"choices": choices})
        return
    for choice in choices:
        console.say(console.style("heading", f"{choice.ref}  {choice.field}: {choice.reason}"))
        parts = list(dict.fromkeys(what for one in choice.ranked for what, _ in one.parts))
        head = ("", "PLACE", "SCORE", *(part.upper() for part in parts), "WHY")
        rows = [
            (
                "*" if one.name in choice.chosen else "",
                one.name,
                f"{one.score:.3f}" if one.parts else "-",
                *(f"{dict(one.parts).get(part, 0.0):.3f}" for part in parts),
                one.reason,
            )
            for one in choice.ranked
        ]
        rows += [("", name, "-", *("-" for _ in parts), f"not: {why}") for name, why in choice.rejected]
        console.say(console.table(head, rows))


def _moves(proposal: Proposal, out: Path | None, output: Form) -> int:
    """The part of a plan that moves something to a better place."""
    from reconciler.cli import codes
    from reconciler.plan import render
    from reconciler.plan.saved import data, to_json

    moves = _moving(proposal.plan)
    if out is not None:
        out.write_bytes(to_json(proposal.plan))
    if output is Form.JSON:
        console.data(data(moves))
    elif moves.choices:
        console.say(render.text(moves, console.style).rstrip())
    else:
        console.note("everything is where it is best, or nearly so")
    if out is not None:
        console.note(f"saved with the rest of the plan: hanse apply {out} does exactly this, or refuses")
    return codes.PENDING if moves.choices else codes.DONE


def _moving(plan: Plan) -> Plan:
    from dataclasses import replace

    choices = tuple(choice for choice in plan.choices if choice.released and choice.ranked and choice.ranked[0].parts)
    moving = {choice.ref for choice in choices}
    actions = tuple(action for action in plan.actions if action.ref in moving)
    return replace(plan, choices=choices, actions=actions, unchanged=plan.unchanged + len(plan.actions) - len(actions))
