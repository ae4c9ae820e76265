"""The names that stand in documents which cannot be parsed: nobody shall be told that what they declare is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds import Kind
from reconciler.kinds.metadata import DEFAULT_NAMESPACE
from reconciler.model import Location, Ref, Resource

_WORD = r"[\"']?([A-Za-z0-9][A-Za-z0-9._-]*)"
_DOCUMENT = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_KIND = re.compile(rf"^kind:\s*{_WORD}", re.MULTILINE)
_METADATA = re.compile(r"^metadata:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_NAME = re.compile(rf"(?<![\w-])name:\s*{_WORD}")
_NAMESPACE = re.compile(rf"(?<![\w-])namespace:\s*{_WORD}")


def declared(content: bytes, path: str, kinds: Mapping[str, Kind[Any]]) -> Iterator[Resource]:
    """What a file seems to declare, by name alone."""
    text = content.decode("utf-8", "replace")
    line = 1
    for document in _DOCUMENT.split(text):
        kind, metadata = _KIND.search(document), _METADATA.search(document)
        name = _NAME.search(metadata[1]) if metadata else None
        if kind and name and metadata and kind[1] in kinds:
            known = kinds[kind[1]]
            namespace = _NAMESPACE.search(metadata[1])
            where = namespace[1] if namespace else DEFAULT_NAMESPACE
            ref = Ref.of(known.name, name[1], None if known.federation_wide else where)
            yield Resource(ref, "", b"", (), "", Location(path, line), known.Spec.model_validate_json)
        line += document.count("\n")
