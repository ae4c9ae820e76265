"""Manifests as text that people keep: read with positions, written anew, or edited where the data changed alone.

``update`` makes a text say other data and leaves every other byte as it stands: comments, quotes, indentation.
"""

from reconciler.manifest.roundtrip.editing import update
from reconciler.manifest.roundtrip.reading import Document, load_documents
from reconciler.manifest.roundtrip.writing import dump

__all__ = ["Document", "dump", "load_documents", "update"]
