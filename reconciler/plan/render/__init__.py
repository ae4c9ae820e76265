"""How a plan is shown: text for people, Markdown for a pull request, a drawing of its order. Pure strings.

The JSON form is plan/saved.py. Colour is the caller's: a ``Style`` is asked for every piece that means something.
"""

from __future__ import annotations

from reconciler.plan.render.drawing import Drawing, of_graph, of_plan
from reconciler.plan.render.markdown import MARKER, faulty, markdown, overlapping, within
from reconciler.plan.render.notation import dot, drawn, mermaid
from reconciler.plan.render.parts import awaited, consented
from reconciler.plan.render.svg import svg
from reconciler.plan.render.text import next_steps, text
from reconciler.plan.render.words import Style, plain, summary

__all__ = [
    "MARKER",
    "Drawing",
    "Style",
    "awaited",
    "consented",
    "dot",
    "drawn",
    "faulty",
    "markdown",
    "mermaid",
    "next_steps",
    "of_graph",
    "of_plan",
    "overlapping",
    "plain",
    "summary",
    "svg",
    "text",
    "within",
]
