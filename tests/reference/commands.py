"""The page of commands: the help as the terminal prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from reconciler.cli import app


def page() -> Iterator[str]:
    """The lines of the page."""
    root = typer.main.get_command(app)
    found = list(_commands(root, "hanse"))
    yield from (
        "# Commands",
        "",
        "`hanse COMMAND --help` says the same on the terminal. Exit codes: [errors](errors.md).",
    )
    yield from ("", "| command | what it does |", "|---|---|")
    for name, command in found:
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {_first(command.help or '')} |"
    yield from ("", "Options before the command:", "", "```text", _plain(root, "hanse"), "```")
    for name, command in found:
        yield from ("", f"## {name}", "", "```text", _plain(command, name), "```")


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(name, command) of every command that does something, in the order of the help."""
    if not hasattr(command, "commands"):
        yield name, command
    for sub, found in getattr(command, "commands", {}).items():
        yield from _commands(found, f"{name} {sub}")


def _first(text: str) -> str:
    """The first sentence."""
    whole = " ".join(text.partition("\n\n")[0].split())
    return whole.partition(". ")[0].rstrip(".") + "."


def _plain(command: Any, name: str) -> str:
    """The help text without terminal decorations."""
    command.rich_markup_mode = None
    context = command.context_class(command, info_name=name, terminal_width=100, max_content_width=100)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()).rstrip()
