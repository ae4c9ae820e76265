"""The page of benchmarks: each benchmark writes its own section and leaves the others alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path


def put(page: Path, section: str, text: str) -> None:
    """Put a section, known by its heading, in place of the one that is there, or at the end."""
    before = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    made = f"## {section}\n\n{text.strip()}\n"
    found = re.search(rf"^## {re.escape(section)}\n.*?(?=^## |\Z)", before, re.MULTILINE | re.DOTALL)
    if found is None:
        after = f"{before.rstrip()}\n\n{made}"
    else:
        after = f"{before[: found.start()]}{made}\n{before[found.end() :]}".rstrip() + "\n"
    page.write_text(after, encoding="utf-8")


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d")
