"""Commands that hold back or allow: approve, pause, resume."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import By, Kinds, Place, Reason

if TYPE_CHECKING:
    from reconciler.model import Ref
    from reconciler.records.store import Store

_DURATION = re.compile(r"^(\d+)([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def approve(
    context: typer.Context,
    resources: Annotated[
        list[str] | None, typer.Argument(metavar="KIND/NAME", help="What it is for; patterns.", show_default=False)
    ] = None,
    *,
    reason: Reason,
    kind: Kinds = None,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", metavar="NAME", help="Only this namespace.")
    ] = None,
    target: Annotated[list[str] | None, typer.Option("--target", metavar="ID", help="Only this back end.")] = None,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", metavar="ACTION", help="delete, replace or update; delete when left out."),
    ] = None,
    at_most: Annotated[
        int, typer.Option("--at-most", metavar="N", help="How many; the number of names given.", show_default=False)
    ] = 0,
    expires: Annotated[str, typer.Option("--expires", metavar="WHEN", help="2h, 3d, or a time (UTC).")] = "24h",
    by: By = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the approval; made from its scope.")
    ] = "",
) -> int:
    """Write an Approval manifest: a permission for what a safety limit stops, scoped and with an end.

    It permits nothing until it is committed where the plan is made from: that is how it is reviewed.

    Examples: `hanse approve DNSRecord/vo-x/old --reason "ticket 1234"`;
    `hanse approve --kind Replica --target storage:X/disk --at-most 12 --expires 2h --reason "disk replaced"`.
    """
    from reconciler.cli.approval import Wish, written
    from reconciler.cli.house import now, settings_of

    wish = Wish(
        actions=tuple(action or ()),
        kinds=tuple(kind or ()),
        namespaces=tuple(namespace or ()),
        targets=tuple(target or ()),
        resources=tuple(resources or ()),
        at_most=at_most or len(resources or ()),
        expires=until(expires, now()),
        reason=reason,
        by=by,
        name=name,
    )
    settings = settings_of(context.obj)
    root, path = written(Path(settings.source.repository), settings.source.paths[0], wish)
    console.say(f"wrote {path}")
    console.note("it counts once it is committed:")
    git = f"git -C {quote(str(root))}"
    console.note(f"  {git} add {path} && {git} commit -m {quote(f'Approve: {wish.reason}')} -- {path}")
    return 0


def until(said: str, now: datetime) -> datetime:
    """The end of a permission: ``2h`` from now, or the time given, UTC."""
    from reconciler.errors import SettingsError

    found = _DURATION.match(said)
    if found and int(found[1]) > 0:
        return (now + timedelta(**{_UNITS[found[2]]: int(found[1])})).replace(microsecond=0)
    try:
        end = datetime.fromisoformat(said)
    except ValueError:
        raise SettingsError(f"{said} is no duration and no time: write 2h, 3d or 2026-12-31T18:00:00Z") from None
    end = end.replace(tzinfo=now.tzinfo) if end.tzinfo is None else end.astimezone(now.tzinfo)
    if end <= now:
        raise SettingsError(f"{said} is past already")
    return end


def pause(
    context: typer.Context,
    scope: Annotated[str, typer.Argument(help="all, KIND/NAME, target:ID or namespace:NAME.", metavar="SCOPE")],
    *,
    reason: Reason,
    by: By = "",
) -> int:
    """Hold something: it is planned and shown, and nothing is done to it until hanse resume.

    Examples: `hanse pause all --reason "database upgrade"`; `hanse pause target:compute:CESGA/main --reason downtime`.
    """
    from reconciler.cli.house import records
    from reconciler.daemon.lease import who

    with records(context.obj, write=True) as store:
        found = store.pauses.pause(scoped(scope), reason, by or who())
        odd = _nothing_in(store, found.scope, context.obj)
    console.say(f"{found.scope} is held since {found.since:%Y-%m-%d %H:%M} UTC by {found.by}: {found.reason}")
    if odd:
        console.note(odd)
    return 0


def _nothing_in(store: Store, scope: str, place: Place) -> str:
    """That a scope holds nothing, and what may have been meant; "" when it holds something."""
    from difflib import get_close_matches

    known = {"all", *_scopes((ref, entry.target) for ref, entry in store.inventory.entries().items())}
    if scope not in known:
        known |= set(_scopes(_declared(place)))
    if scope in known:
        return ""
    close = get_close_matches(scope, known, n=1)
    meant = f": did you mean {close[0].removeprefix('resource:')}?" if close else ""
    return f"nothing that is made or declared belongs to it{meant}"


def _scopes(standing: Iterable[tuple[Ref, str]]) -> Iterator[str]:
    """Every scope that one of these resources, each with its target, belongs to."""
    for ref, target in standing:
        yield from (f"resource:{ref}", f"target:{target}", f"namespace:{ref.namespace}")


def _declared(place: Place) -> Iterator[tuple[Ref, str]]:
    """What git declares, with its targets, as far as it can be read: holding something may not depend on it."""
    from reconciler.cli.house import settings_of, surveyed
    from reconciler.errors import HanseError

    try:
        settings = settings_of(place)
        _, found = surveyed(settings, settings.source.revision)
    except HanseError:
        return
    yield from ((ref, resource.target) for ref, resource in found.resources.items.items())


def resume(
    context: typer.Context,
    scope: Annotated[str, typer.Argument(help="As it was given to hanse pause.", metavar="SCOPE")],
    *,
    by: By = "",
) -> int:
    """Let something go on that hanse pause holds, or that waits because the outcome of a call was lost.

    Of a lost outcome (reason OutcomeUnknown) look at the back end first, and take away by hand what is there.

    Examples: `hanse resume all`; `hanse resume VirtualCluster/vo-x/web`.
    """
    from reconciler.cli.house import records
    from reconciler.daemon.lease import who

    asked = scoped(scope)
    with records(context.obj, write=True) as store:
        ended = store.pauses.resume(asked, by or who())
        settled = _settled(store, asked, by or who())
        held = ", ".join(pause.scope for pause in store.pauses.list())
    console.say(f"{scope} goes on" if ended or settled else f"{scope} was not held")
    for said in settled:
        console.say(f"  {said}")
    console.note(f"still held: {held}" if held else "nothing is held")
    return 0


def _settled(store: Store, scope: str, by: str) -> list[str]:
    """Close the operations of a resource whose outcome nobody knows: a person has looked."""
    from reconciler.daemon import lease

    lost = [row for row in store.journal.unsettled() if scope == f"resource:{row.ref}"]
    if lost:
        with lease.held(store, 30, lambda: None):
            store.journal.resolve([row.id for row in lost], "resolved", f"{by} looked")
    return [f"the {row.verb} of {row.intended_at:%Y-%m-%d %H:%M} UTC ({row.state}) is settled" for row in lost]


def scoped(said: str) -> str:
    """The scope as the records spell it. Raises SettingsError for what cannot be held."""
    from reconciler.errors import SettingsError
    from reconciler.kinds import registry

    form, _, rest = said.partition(":")
    if said == "all" or (form in ("target", "namespace", "resource") and rest):
        return said
    if said.partition("/")[0] in registry() and "/" in said:
        return f"resource:{said}"
    raise SettingsError(f"{said} cannot be held: say all, KIND/NAME, target:ID or namespace:NAME")
