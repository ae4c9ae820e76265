"""The reference pages of docs/, made from the code: kinds, commands, configuration, drivers, errors, rules."""

from __future__ import annotations

from collections.abc import Iterator

from tests.reference import commands, configuration, errors, kinds

__all__ = ["pages"]


def pages() -> Iterator[tuple[str, str]]:
    """(path below docs/reference, Markdown) of every page."""
    for name, lines in (
        *kinds.pages(),
        ("cli.md", commands.page()),
        ("configuration.md", configuration.settings()),
        ("drivers.md", configuration.drivers()),
        ("errors.md", errors.page()),
        ("rules.md", kinds.rules_page()),
    ):
        yield name, "\n".join(lines)
