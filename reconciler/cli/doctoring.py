"""hanse doctor: everything that an operator would look at, in one go."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from reconciler.cli import console
from reconciler.cli.codes import DONE, FAILED
from reconciler.cli.options import Form, Output

if TYPE_CHECKING:
    from reconciler.doctor import Finding
    from reconciler.model import Graph
    from reconciler.settings import Settings

_ROLES = {"ok": "good", "warning": "doubt", "fault": "bad"}


def doctor(context: typer.Context, *, output: Output = Form.TEXT) -> int:
    """Look at settings, repository, database, secrets, programs, folders and addresses, and say what to do.

    Nothing is changed, no secret is shown, and everything is looked at whatever is found. The exit code is 1 when there
    is a fault.

    Examples: `hanse doctor`, `hanse doctor -o json`.
    """
    from reconciler.doctor import State

    found = list(_findings(context))
    faults = sum(one.state is State.FAULT for one in found)
    warnings = sum(one.state is State.WARNING for one in found)
    if output is Form.JSON:
        console.data([one._asdict() for one in found])
    else:
        for one in found:
            cure = f" -> {one.cure}" if one.cure else ""
            console.say(f"{console.style(_ROLES[one.state], f'{one.state:<7}')}  {one.check:<13}  {one.said}{cure}")
        console.note(f"{faults} fault(s), {warnings} warning(s)")
    return FAILED if faults else DONE


def _findings(context: typer.Context) -> list[Finding]:
    from reconciler.cli.house import now, settings_of
    from reconciler.daemon.lease import NAME
    from reconciler.doctor import Finding, Ground, State, examine
    from reconciler.errors import RecordsError, SettingsError
    from reconciler.records.store import read_store
    from reconciler.wiring import Wired

    try:
        settings = settings_of(context.obj)
    except SettingsError as error:
        return [Finding("settings", State.FAULT, line, "hanse config") for line in str(error).splitlines()]
    with ExitStack() as open_:
        try:
            store = open_.enter_context(read_store(settings.records.url, now))
        except RecordsError:
            store = None  # told by the check of the database
        ground = Ground(settings, Wired(settings, store=store), now, lambda: _declared(settings), NAME)
        return [Finding("settings", State.OK, "hanse.toml and the environment can be read", ""), *examine(ground)]


def _declared(settings: Settings) -> Graph:
    from reconciler.cli.house import declared, ordered

    return ordered(settings, *declared(settings, settings.source.revision))
