"""A drawing in the notations that other tools read: Mermaid (forges show it), DOT (graphviz), plain data (JSON)."""

from __future__ import annotations

from typing import Any

from reconciler.plan.render.drawing import Box, Drawing

COLOURS = {
    "create": ("#d7f5dd", "#1a7f37"),
    "update": ("#fff3cd", "#9a6700"),
    "replace": ("#ffe3cc", "#bc4c00"),
    "delete": ("#ffd9d9", "#cf222e"),
    "adopt": ("#dbeafe", "#0969da"),
    "move": ("#dbeafe", "#0969da"),
    "forget": ("#e8e8e8", "#57606a"),
    "defer": ("#f3e8ff", "#8250df"),
    "blocked": ("#ffffff", "#cf222e"),
    "unchanged": ("#ffffff", "#8c959f"),
}
"""Role -> (fill, line)."""


def label(box: Box) -> str:
    """The text in a box."""
    return f"{box.sign} {box.ref}".strip()


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart, one subgraph per wave."""
    names = {box.ref: f"n{number}" for number, box in enumerate(drawing.boxes)}
    lines = ["flowchart LR"]
    for number, wave in enumerate(drawing.waves, 1):
        lines.append(f'  subgraph w{number}["{number}"]')
        lines += [f'    {names[box.ref]}["{_quoted(label(box))}"]:::{box.role}' for box in wave]
        lines.append("  end")
    for arrow in drawing.arrows:
        said = f"|{arrow.label}|" if arrow.label else ""
        lines.append(f"  {names[arrow.first]} -->{said} {names[arrow.then]}")
    for role in sorted({box.role for box in drawing.boxes}):
        fill, line = COLOURS[role]
        lines.append(f"  classDef {role} fill:{fill},stroke:{line},color:#1f2328")
    return "\n".join(lines) + "\n"


def dot(drawing: Drawing) -> str:
    """A DOT digraph, read by graphviz."""
    lines = [
        "digraph plan {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];',
        '  edge [color="#57606a", fontname="sans-serif", fontsize=9];',
    ]
    for wave in drawing.waves:
        for box in wave:
            fill, line = COLOURS[box.role]
            said = _escaped(label(box))
            lines.append(f'  "{_escaped(box.ref)}" [label="{said}", fillcolor="{fill}", color="{line}"];')
    for arrow in drawing.arrows:
        said = f' [label="{arrow.label}"]' if arrow.label else ""
        lines.append(f'  "{_escaped(arrow.first)}" -> "{_escaped(arrow.then)}"{said};')
    return "\n".join([*lines, "}"]) + "\n"


def drawn(drawing: Drawing) -> dict[str, Any]:
    """The drawing as plain JSON data."""
    return {
        "waves": [[{"ref": box.ref, "action": box.role} for box in wave] for wave in drawing.waves],
        "arrows": [{"first": a.first, "then": a.then, "gate": a.label or None} for a in drawing.arrows],
    }


def _quoted(said: str) -> str:
    return said.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _escaped(said: str) -> str:
    return said.replace("\\", "\\\\").replace('"', '\\"')
