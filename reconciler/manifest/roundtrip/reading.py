"""YAML text with positions: where everything stands, and what is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.errors import ManifestError
from reconciler.manifest.reader import plain
from reconciler.manifest.roundtrip.writing import codec
from reconciler.model import Diagnostic

Path = tuple[str | int, ...]
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_CONTENT = re.compile(r"^(?![#%]|\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. ``data`` is plain; ``marks`` leads from a path in it to (line, column), from 1."""

    text: str
    """Its part of the file, markers and comments included."""
    data: Any
    marks: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: Mapping[Path, str] = field(default_factory=dict)
    """Path of a scalar -> what is written, before it became a number or a truth value."""


def load_documents(text: str, file: str = "") -> list[Document]:
    """Every document of a file. Raises ManifestError with the place when it is no YAML or repeats a key."""
    documents, line = [], 0
    for part in _split(text):
        documents.append(_read(part, file, line))
        line += part.count("\n")
    return documents


def _split(text: str) -> list[str]:
    """The file's parts, each with one document; what stands before the first marker belongs to the first."""
    starts = [m.start() for m in _MARKER.finditer(text)]
    if starts and not _CONTENT.search(text[: starts[0]]):
        starts[0] = 0
    elif not starts or starts[0] > 0:
        starts.insert(0, 0)
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def compose(text: str, file: str, line: int) -> Node | None:
    """The node of the one document; None for none. Raises ManifestError; ``line`` is how many come before."""
    try:
        node: Node | None = codec().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        down, right = (mark.line, mark.column) if mark else (0, 0)
        what = f"no YAML: {error.problem or error.context}"
        raise ManifestError([Diagnostic(file, line + down + 1, right + 1, "", what)]) from error
    except YAMLError as error:
        raise ManifestError([Diagnostic(file, 1 + line, 1, "", f"no YAML: {error}")]) from error
    return node


def _read(text: str, file: str, line: int) -> Document:
    node = compose(text, file, line)
    marks: dict[Path, tuple[int, int]] = {}
    scalars: dict[Path, str] = {}
    faults: list[Diagnostic] = []
    for path, found, key in _walk((), node) if node is not None else ():
        mark = found.start_mark
        marks[path] = (mark.line + 1 + line, mark.column + 1)
        if isinstance(found, ScalarNode):
            scalars[path] = found.value
        if key is not None:
            mark = key.start_mark
            faults.append(
                Diagnostic(file, mark.line + 1 + line, mark.column + 1, "", f"the key {key.value} stands twice")
            )
    if faults:
        raise ManifestError(faults)
    return Document(text, data_of(node), marks, scalars)


def _walk(path: Path, node: Node) -> Iterator[tuple[Path, Node, Node | None]]:
    """Every node with its path, and its key where the mapping has that key already."""
    yield path, node, None
    if isinstance(node, SequenceNode):
        for n, item in enumerate(node.value):
            yield from _walk((*path, n), item)
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*path, str(key.value)), value, key
            seen.add(key.value)
            yield from _walk((*path, str(key.value)), value)


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    return (found for _, found, _ in _walk((), node))


def data_of(node: Node | None) -> Any:
    """What it says, as plain data."""
    if isinstance(node, MappingNode):
        return {str(key.value): data_of(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [data_of(item) for item in node.value]
    return _scalar(node) if isinstance(node, ScalarNode) else None


def _scalar(node: ScalarNode) -> Any:
    """A scalar as manifests mean it; a number that JSON cannot hold stays text."""
    text = str(node.value)
    if node.style is not None:
        return text
    try:
        return plain(text)
    except ValueError:
        return text
