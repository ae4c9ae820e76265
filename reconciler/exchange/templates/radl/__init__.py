"""RADL, the language of Infrastructure Manager and EC3, in its own form and in JSON."""

from reconciler.exchange.templates.radl.draft import radl_draft
from reconciler.exchange.templates.radl.reading import as_items

__all__ = ["as_items", "radl_draft"]
