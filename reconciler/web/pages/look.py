"""How pages are made: Jinja2, every value escaped, nothing from elsewhere, and the words that commands use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from reconciler.model import Ref
from reconciler.plan.render import words
from reconciler.plan.render.causes import pattern, said
from reconciler.web.causing import many_together
from reconciler.web.door import VISIT
from reconciler.web.shapes import FindingShape

FOLDER = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MARKS = {"True": ("good", "✓"), "False": ("bad", "✗"), "Unknown": ("doubt", "?")}
_TURNED = ("Stalled", "Reconciling", "Protected")
"""Conditions of which True is worth a look."""
_RUNS = {"done": ("good", "✓"), "running": ("doubt", "…"), "blocked": ("doubt", "!")}
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*/")


@cache
def environment() -> Environment:
    """The one environment; templates are read once."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "age": age,
        "when": when,
        "path": path,
        "mark": mark,
        "state": state,
        "value": words.value,
        "changed": words.changed,
        "percent": percent,
        "wrapped": wrapped,
        "alike": alike,
    }
    made.globals |= {"SYMBOLS": words.SYMBOLS, "pages": PAGES, "visitor": VISIT.get}
    made.globals["parts"] = made.get_template("parts.html").module
    return made


PAGES = (
    ("/", "Overview"),
    ("/resources", "Resources"),
    ("/plan", "Plan"),
    ("/graph", "Graph"),
    ("/runs", "Runs"),
    ("/availability", "Availability"),
    ("/usage", "Usage"),
    ("/map", "Map"),
)


def page(template: str, at: str, now: datetime, **values: Any) -> bytes:
    """One page; ``at`` is the entry of the menu that it belongs to."""
    return environment().get_template(template).render(at=at, now=now, **values).encode()


def dressed(response: Response) -> Response:
    """The response with what every page says to browsers."""
    response.headers.update(HEADERS)
    return response


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in one unit, as ``hanse status`` says it."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def when(moment: datetime | None) -> str:
    """A time, UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"


def path(name: str) -> str:
    """The path of a resource's page; "" for what has none, such as a back end."""
    return f"/resources/{quote(name, safe='/')}" if _KIND.match(name) else ""


def mark(status: str, kind: str = "Ready") -> Markup:
    """A status as sign and word, coloured besides."""
    role, sign = _MARKS[status]
    if kind in _TURNED:
        role = "doubt" if status == "True" else "quiet"
        sign = "…" if status == "True" else "·"
    return Markup('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>').format(role, sign, status)


def state(said: str) -> Markup:
    """How a run or an event ended, as sign and word."""
    role, sign = _RUNS.get(said, ("bad", "✗"))
    return Markup('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>').format(role, sign, said)


def percent(value: float | None) -> str:
    """As the reports say it."""
    return "-" if value is None or value < 0 else f"{value:.3f}"


def wrapped(text: str) -> Markup:
    """A long name that may be broken behind its slashes, dots and hyphens."""
    pieces = re.split(r"(?<=[/.:@])", str(text))
    return Markup("<wbr>").join(pieces)


def alike(findings: Sequence[FindingShape]) -> list[list[FindingShape]]:
    """Findings; those under which nothing stands and of which the same is said, together where they are many."""

    def key(one: FindingShape) -> object:
        what = tuple(pattern(said(Ref(one.name), line)) for line in one.said)
        return one.name if one.below else (what, one.well, one.needed)

    return many_together(findings, key)
