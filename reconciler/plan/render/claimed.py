"""What a plan asks of what was granted at sites, as rows of a table: for text, Markdown and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.claim import CORE_HOURS, Claim
from reconciler.model.taken import WORDS
from reconciler.model.taken import shown as in_units
from reconciler.plan.render.words import Style

TITLE = "What was granted at sites"
_HEAD = ("Site", "VO", "What", "Granted", "Limit", "Used", "Forecast", "Asked", "After", "Until", "Stands")
NUMBERS = frozenset({"Granted", "Limit", "Used", "Forecast", "Asked", "After"})
"""Columns of numbers."""
_NONE = "-"
_WORDS = WORDS | {CORE_HOURS: "core hours"}


def lines(claims: Sequence[Claim], style: Style, most: int) -> Iterator[str]:
    """As text, at most ``most`` rows; nothing when the plan changes none of it."""
    if not claims:
        return
    shown = worst(claims)[:most]
    head, rows = table(shown)
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    yield style("heading", TITLE)
    yield style("quiet", _line(head, widths))
    for claim, row in zip(shown, rows, strict=True):
        yield style("blocked", _line(row, widths)) if claim.over else _line(row, widths)
    if len(claims) > most:
        yield f"    … and {len(claims) - most:,} more (hanse plan --full shows all)"


def worst(claims: Sequence[Claim]) -> list[Claim]:
    """Those of which too much is asked first."""
    return sorted(claims, key=lambda claim: not claim.over)


def table(claims: Sequence[Claim]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and a row for each claim; columns in which no row says anything are left out."""
    rows = [_cells(claim) for claim in claims]
    kept = [n for n in range(len(_HEAD)) if any(row[n] != _NONE for row in rows)]
    return tuple(_HEAD[n] for n in kept), [tuple(row[n] for n in kept) for row in rows]


def _cells(claim: Claim) -> tuple[str, ...]:
    """The values of ``_HEAD``, in the units that people state them in; ``-`` where there is none."""
    return (
        claim.site,
        claim.vo or "all",
        _WORDS[claim.what],
        _said(claim.what, claim.granted),
        _said(claim.what, claim.limit),
        _said(claim.what, claim.used),
        _NONE if claim.forecast is None else f"+{_said(claim.what, claim.forecast)}",
        _asked(claim),
        _said(claim.what, claim.after),
        claim.until or _NONE,
        f"{_said(claim.what, claim.over)} too many" if claim.over else "within",
    )


def _asked(claim: Claim) -> str:
    """``+4 (4 blocked)``, ``-2``, ``+4 -2``."""
    said = [f"{sign}{_said(claim.what, n)}" for sign, n in (("+", claim.asked), ("-", claim.freed)) if n]
    said += [f"({_said(claim.what, claim.blocked)} blocked)"] if claim.blocked else []
    return " ".join(said) or "0"


def _said(what: str, amount: float | None) -> str:
    if amount is None:
        return _NONE
    return f"{amount:.0f}" if what == CORE_HOURS and (amount >= 1 or not amount) else in_units(what, amount)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "    " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
