"""Pages of docs/ that are made from the code: kinds, commands, configuration, drivers, errors, metrics, rules ..."""

from __future__ import annotations

from collections.abc import Iterator

from tests.reference import commands, configuration, decisions, errors, kinds, metrics, roles

__all__ = ["pages"]


def pages() -> Iterator[tuple[str, str]]:
    """(path below docs/, Markdown) of every page."""
    for name, lines in (
        *kinds.pages(),
        ("reference/cli.md", commands.page()),
        ("reference/configuration.md", configuration.settings()),
        ("reference/drivers.md", configuration.drivers()),
        ("reference/errors.md", errors.page()),
        ("reference/metrics.md", metrics.page()),
        ("reference/roles.md", roles.page()),
        ("reference/rules.md", kinds.rules_page()),
        ("adr/index.md", decisions.page()),
    ):
        yield name, "\n".join(lines)
