"""Slurm's way to write many host names in one: ``front,w[0-3,07-09]`` is front, w0 to w3, w07, w08 and w09."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(r"((?:[^,\[]|\[[^\]]*\])+)")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
MOST = 65536
"""More names than that are nobody's cluster."""


def expand(text: str) -> tuple[str, ...]:
    """Every name. Raises ValueError for what is no such list."""
    names = [name for part in _PART.findall(text) for name in _names(part)]
    if len(names) > MOST:
        message = f"a list of {len(names)} hosts"
        raise ValueError(message)
    return tuple(names)


def _names(part: str) -> Iterator[str]:
    found = _BRACKETS.search(part)
    if found is None:
        yield part
        return
    for number in numbers(found.group(1)):
        yield from _names(part[: found.start()] + number + part[found.end() :])


def numbers(text: str) -> Iterator[str]:
    """``0-2,07`` is 0, 1, 2 and 07; ``0-8:4`` counts in fours. Raises ValueError for what is no such list."""
    for piece in text.split(","):
        span, _, step = piece.partition(":")
        low, _, high = span.partition("-")
        last = int(high or low)
        if last - int(low) > MOST:
            message = f"{piece}: too many"
            raise ValueError(message)
        for number in range(int(low), last + 1, int(step or 1)):
            yield str(number).zfill(len(low) if low.startswith("0") else 0)
