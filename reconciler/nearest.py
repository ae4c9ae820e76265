"""What somebody probably meant who wrote a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean X?`` where a known name is near, else what is given instead."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def or_meant(name: str, known: Iterable[str]) -> str:
    """The same as the end of a sentence; nothing where no name is near."""
    said = meant(name, known)
    return f": {said}" if said else ""
