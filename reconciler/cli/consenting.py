"""consent: agree to a part of a plan, see who has, take it back. On the machine that keeps the records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.codes import BLOCKED, DONE
from reconciler.cli.options import By, Form, Output

if TYPE_CHECKING:
    from reconciler.model.part import Part
    from reconciler.reconcile import House
    from reconciler.records.store import Store

LATEST = "latest"


def consent(
    context: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A saved plan, or latest.")] = LATEST,
    *,
    part: Annotated[
        str, typer.Option("--part", metavar="PART", help="site:NAME, vo:NAME ...; lists them when left out.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the history.")] = "",
    expires: Annotated[
        str, typer.Option("--expires", metavar="WHEN", help="2h, 3d, or a time (UTC); never when left out.")
    ] = "",
    withdraw: Annotated[int, typer.Option("--withdraw", metavar="NUMBER", help="Take back what was said.")] = 0,
    by: By = "",
    output: Output = Form.TEXT,
) -> int:
    """Agree to a part of a plan: to the changes that it is made of now, and to no others.

    Whoever works on the machine that keeps the records may agree to anything: it is written down as that, with the
    name. People at sites and VOs agree on the page, on the forge, or by a signed commit with the trailer that
    `hanse plan --parts` tells. Exit code 3 while words are missing.

    Examples: `hanse consent`; `hanse consent latest --part site:CESGA --reason "there is room"`;
    `hanse consent p.json --part vo:tides --reason "agreed in the meeting" --expires 3d`; `hanse consent --withdraw 12`.
    """
    from reconciler.cli.house import opened
    from reconciler.errors import SettingsError

    with opened(context.obj) as house:
        if withdraw:
            return _taken_back(house.store, withdraw, by)
        digest, parts = _saved(Path(plan)) if plan != LATEST else parts_of(house)
        if not part:
            shown(parts, output)
            return BLOCKED if any(one.open for one in parts) else DONE
        found = next((one for one in parts if one.name == part), None)
        if found is None:
            known = ", ".join(one.name for one in parts)
            raise SettingsError(f"{part} has nothing to agree to" + (f"; there are {known}" if known else ""))
        if not reason:
            raise SettingsError("say why: --reason TEXT")
        _give(house, digest, found, reason, expires, by)
    return DONE


def parts_of(house: House, revision: str = "", *, base: str = "") -> tuple[str, tuple[Part, ...]]:
    """The commit and the parts of what is to be done.

    Nothing is asked but git and the records, unless back ends are guarded by name: what changes bring along there, only
    a whole plan tells.
    """
    from reconciler import authority, incoming, manifest, reconcile, source

    settings = house.settings
    wanted = revision or settings.source.revision
    come = incoming.chosen(settings, house.store, wanted, worktree=False)
    read = source.read(Path(settings.source.repository), come.revision, paths=settings.source.paths)
    rules = manifest.RuleSettings(settings.rules, settings.secrets)
    resources = manifest.load(read, house.kinds, rules, house.memory)
    judged = authority.judge(house, come, resources, trust=base)
    if authority.guarded(judged):
        return come.revision, reconcile.propose(house, wanted, trust=base).plan.parts
    return come.revision, judged.authority.parts


def shown(parts: tuple[Part, ...], output: Form) -> None:
    """Print the parts."""
    from reconciler.plan.render import parts as words

    if output is Form.JSON:
        console.data({"parts": words.data(parts)})
        return
    for line in words.lines(parts, console.style):
        console.say(line)
    left = [one for one in parts if one.open]
    if not parts:
        console.note("nothing needs anybody's word")
    for one in left:
        console.note(f"{one.name}: hanse consent latest --part {one.name} --reason WHY")
        console.note(f"{one.name}: or a signed commit with the line  Hanse-Agreed: {one.digest}")


def _saved(file: Path) -> tuple[str, tuple[Part, ...]]:
    from reconciler.errors import SettingsError
    from reconciler.plan.saved import from_json

    if not file.is_file():
        raise SettingsError(f"{file}: no such plan: hanse plan --out {file} writes one; or say latest")
    read = from_json(file.read_bytes())
    return read.digest, read.parts


def _give(house: House, digest: str, part: Part, reason: str, expires: str, by: str) -> None:
    from reconciler.cli.holding import until
    from reconciler.cli.house import now
    from reconciler.daemon.lease import who
    from reconciler.model import Who

    name = by or who()
    end = until(expires, now()) if expires else None
    changes = {one.digest for one in part.open or part.wanted}
    given = house.store.consents.give(digest, part.name, Who(name, "machine", who()), reason, end, changes=changes)
    many = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
    console.say(f"{name} agrees to {many} of {part.name} (number {given.id})")


def _taken_back(store: Store, number: int, by: str) -> int:
    from reconciler.daemon.lease import who
    from reconciler.errors import SettingsError

    if not store.consents.withdraw(number, by or who()):
        raise SettingsError(f"there is no word of number {number} that counts")
    console.say(f"number {number} is taken back: what was done by it stays done")
    return DONE
