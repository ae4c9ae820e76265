"""Whose word a plan needs: its parts, by authority, with who may agree and who has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.model import Plan
from reconciler.model.part import Part, Wanted
from reconciler.plan.render.words import Style


def lines(parts: Sequence[Part], style: Style) -> Iterator[str]:
    """As text for people."""
    if not parts:
        return
    yield style("heading", "Whose word it needs")
    for part in parts:
        yield f"    {part.name}  {style('quiet', part.digest[:12])}  {standing(part)}"
        yield from (f"        {one.ref}: {one.what}: {told(one)}" for one in part.wanted)


def standing(part: Part) -> str:
    """``1 of 3 open``."""
    left = len(part.open)
    return f"{left} of {len(part.wanted)} open" if left else "agreed"


def givers(part: Part) -> str:
    """Those who agreed to all of it; "" while a word is missing."""
    return "" if part.open else ", ".join(sorted({one.given for one in part.wanted}))


def told(one: Wanted) -> str:
    """Who agreed to a change, or who may."""
    if one.given:
        return f"{one.given} agreed"
    return f"{' or '.join(map(str, one.by))} may agree" if one.by else "nobody holds a role that may agree"


def awaited(plan: Plan) -> str:
    """``needs the word of vo:tides, site:SEA``; "" where none is missing."""
    names = [part.name for part in plan.parts if part.open]
    return f"needs the word of {', '.join(names)}" if names else ""


def consented(plan: Plan) -> str:
    """``site:SEA: agreed by @sam``; "" where no word was needed, or one is missing still."""
    return "" if awaited(plan) else "; ".join(f"{part.name}: agreed by {givers(part)}" for part in plan.parts)


def data(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """As JSON data."""
    return [
        {
            "name": part.name,
            "digest": part.digest,
            "open": len(part.open),
            "wanted": [
                {
                    "ref": one.ref,
                    "what": one.what,
                    "digest": one.digest,
                    "why": one.why,
                    "by": [str(by) for by in one.by],
                    "given": one.given,
                }
                for one in part.wanted
            ],
        }
        for part in parts
    ]
