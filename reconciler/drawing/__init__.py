"""Reports as pictures and pages: usage, availability and agreements. Needs the extra ``plots`` (matplotlib).

A picture is a matplotlib figure, written as SVG or PNG; a page is one HTML file with its pictures and tables in it, for
light and dark screens, that asks nothing of anybody else.
"""

from reconciler.drawing.agreements import agreements
from reconciler.drawing.availability import availability
from reconciler.drawing.page import Part, Table, page
from reconciler.drawing.style import png, svg
from reconciler.drawing.usage import usage

__all__ = ["Part", "Table", "agreements", "availability", "page", "png", "svg", "usage"]
