"""Amounts as people read them. Sizes count in thousands, as storages and networks do."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes: ``52 B``, ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < (1000 if unit == "B" else 999.95):
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds: ``40 s``, ``12 min``, ``3 d``."""
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
