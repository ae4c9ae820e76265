"""A report as one HTML file: headings, tables and pictures, and nothing that must be fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

from reconciler.drawing.style import svg

_NUMBER = re.compile(r"-?[\d,.]+( ?%)?(\+\?)?( \([\d.]+\))?|- \([\d.]+\)")
_PAINTED = ("good", "doubt", "bad")
_LOOK = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #57606a; --line: #d0d7df; --ground: #ffffff;
  --good: #dbeafe; --doubt: #fdf0d5; --bad: #fbd5cd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9da7b1; --line: #3a424b; --ground: #0d1117;
  --good: #12305a; --doubt: #4a3a12; --bad: #5d1f19; } }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { color: var(--quiet); margin: .3rem 0; }
figure { margin: 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; min-width: 36rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td:last-child { white-space: normal; min-width: 18rem; }
td { vertical-align: top; }
th { color: var(--quiet); font-weight: 600; position: sticky; top: 0; background: var(--ground); }
td.good { background: var(--good); } td.doubt { background: var(--doubt); } td.bad { background: var(--bad); }
@media print { body { max-width: none; margin: 0; } }
"""


@dataclass(frozen=True)
class Table:
    """Words in columns; ``roles`` (good, doubt, bad, or "") colour what the words say too."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    roles: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Part:
    """A heading, what it is about, and what stands below it."""

    heading: str
    said: str = ""
    figure: Figure | None = None
    table: Table | None = None


def page(title: str, said: str, parts: Sequence[Part]) -> str:
    """The whole file."""
    head = f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(_part(part) for part in parts)
    lines = (
        head,
        view,
        f"<style>{_LOOK}</style>",
        "</head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(said)}</p>",
    )
    return "\n".join([*lines, body, "</body>", "</html>"]) + "\n"


def _part(part: Part) -> str:
    lines = [f"<section>\n<h2>{escape(part.heading)}</h2>"]
    lines += [f"<p>{escape(part.said)}</p>"] if part.said else []
    lines += [f"<figure>{svg(part.figure, inline=True)}</figure>"] if part.figure is not None else []
    lines += [_table(part.table)] if part.table is not None else []
    return "\n".join([*lines, "</section>"])


def _table(table: Table) -> str:
    numbers = [_is_numeric([row[n] for row in table.rows]) for n in range(len(table.head))]
    head = "".join(_cell("th", name, "", number) for name, number in zip(table.head, numbers, strict=True))
    rows = [
        "<tr>" + "".join(_cell("td", text, _role(table, n, m), numbers[m]) for m, text in enumerate(row)) + "</tr>"
        for n, row in enumerate(table.rows)
    ]
    inner = "\n".join(rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{inner}\n</tbody>\n</table></div>'


def _is_numeric(column: Sequence[str]) -> bool:
    """Whether a column holds numbers, some of which may be missing, or stand beside their target."""
    told = [text for text in column if text not in ("", "-")]
    return bool(told) and all(_NUMBER.fullmatch(text) for text in told)


def _role(table: Table, row: int, column: int) -> str:
    return table.roles[row][column] if row < len(table.roles) and column < len(table.roles[row]) else ""


def _cell(tag: str, text: str, role: str, number: bool) -> str:
    classes = [role if role in _PAINTED else "", "number" if number else ""]
    words = " ".join(part for part in classes if part)
    return f'<{tag} class="{words}">{escape(text)}</{tag}>' if words else f"<{tag}>{escape(text)}</{tag}>"
