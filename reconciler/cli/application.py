"""The application: every command, in the order in which one comes to need them, and the options before them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

import reconciler.cli.poem
import reconciler.cli.rendering
import reconciler.cli.uptime
import reconciler.cli.vocards  # noqa: F401 (their commands register themselves)
from reconciler.cli import console
from reconciler.cli.accounting import meter
from reconciler.cli.acknowledging import acknowledge
from reconciler.cli.applying import apply, run
from reconciler.cli.approvers import approvers
from reconciler.cli.beginning import config as config_
from reconciler.cli.beginning import init, rules, schema, version
from reconciler.cli.consenting import consent
from reconciler.cli.doctoring import doctor
from reconciler.cli.downtimes import downtimes
from reconciler.cli.forging import forging
from reconciler.cli.holding import approve, pause, resume
from reconciler.cli.keepsafe import backup, restore, upgrade
from reconciler.cli.locations import locations
from reconciler.cli.looking import explain, history, names, status
from reconciler.cli.notifying import notifying
from reconciler.cli.options import Place
from reconciler.cli.placed import place
from reconciler.cli.planning import diff, graph, plan, validate
from reconciler.cli.remote import login, logout, remote, whoami
from reconciler.cli.reporting import reporting, rule
from reconciler.cli.rucio import exporting
from reconciler.cli.simulating import simulating
from reconciler.cli.templates import importing
from reconciler.cli.tickets import ticketing
from reconciler.cli.tokens import tokens

app = typer.Typer(
    name="hanse",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="Start with hanse init, or in a repository that has manifests with hanse plan.",
)
def hanse(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option("-C", metavar="DIR", help="Work as if started in DIR.", show_default=False, exists=True),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration; hanse.toml when left out.", show_default=False),
    ] = None,
    version: Annotated[  # noqa: ARG001 (its callback ends the command)
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """One git repository says how the federation should be; hanse plans it, does it, keeps it so.

    Exit codes: 0 nothing to do, or done; 2 changes are pending (plan); 1 error; 3 blocked by a safety limit or a
    missing approval; 4 the plan is stale.
    """
    context.obj = Place.found(directory, config)
    if passed := Place.passed_over(directory, config):
        console.note(f"note: {passed} lies above this git repository and is not read: --config {passed} reads it")
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _apart(doc: str) -> tuple[str, str]:
    """What a command does, and its examples, one on each line."""
    said, _, examples = inspect.cleandoc(doc).partition("\n\nExample")
    found = [" ".join(example.split()) for example in re.findall(r"`([^`]+)`", examples)]
    return said, "\n\n".join(["Examples:", *(f"  {example}" for example in found)]) if found else ""


_PANELS: dict[str, tuple[Callable[..., int | None], ...]] = {
    "Begin": (init, validate, config_, schema, rules, version),
    "Plan and apply": (plan, apply, run, graph, diff, place),
    "Look": (status, rule, locations, explain, history, names, downtimes, meter),
    "Hold and allow": (approve, consent, approvers, acknowledge, pause, resume),
    "Elsewhere": (login, whoami, logout),
    "Look after": (doctor, backup, restore, upgrade),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        _said, _epilog = _apart(_command.__doc__ or "")
        app.command(_command.__name__, help=_said, epilog=_epilog, rich_help_panel=_panel)(_command)
app.add_typer(importing, name="import", rich_help_panel="Exchange")
app.add_typer(exporting, name="export", rich_help_panel="Exchange")
app.add_typer(reporting, name="report", rich_help_panel="Look")
app.add_typer(ticketing, name="tickets", rich_help_panel="Look")
app.add_typer(tokens, name="token", rich_help_panel="Hold and allow")
app.add_typer(notifying, name="notify", rich_help_panel="Hold and allow")
app.add_typer(remote, name="remote", rich_help_panel="Elsewhere")
app.add_typer(forging, name="pr", rich_help_panel="Plan and apply")
app.add_typer(simulating, name="simulate", rich_help_panel="Plan and apply")
