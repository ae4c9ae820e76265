"""The list of decisions: one line for each page of docs/adr/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "adr"


def page() -> Iterator[str]:
    """The lines of the page."""
    yield from (
        "# Decisions",
        "",
        "Why Hanse is built as it is, one page for each decision that was hard to take back.",
        "",
    )
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        yield f"- [{title}]({path.name})"
