"""Faults that are found later on the line, brought to the line and column where their field stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.errors import ManifestError
from reconciler.manifest.places import parsed, place
from reconciler.manifest.reader import Document, documents
from reconciler.model import Diagnostic, Revision


@contextmanager
def located(revision: Revision) -> Iterator[None]:
    """Faults raised inside name the resource's first line and a path: here they get the field's own place."""
    try:
        yield
    except ManifestError as error:
        raise ManifestError(sorted(placed(error.diagnostics, revision))) from None


def placed(faults: Iterable[Diagnostic], revision: Revision) -> Iterator[Diagnostic]:
    """The faults with the line and column of their fields."""
    read: dict[str, dict[int, Document]] = {}
    for fault in faults:
        if fault.file not in read:
            blob = revision.files.get(fault.file, "")
            contents = revision.blobs.read([blob]) if blob else ()
            read[fault.file] = {found.line: found for _, content in contents for found in documents(content)}
        document = read[fault.file].get(fault.line)
        if document is None or not fault.path:
            yield fault
            continue
        line, column = place(document.node, parsed(fault.path))
        yield replace(fault, line=line, column=column)
