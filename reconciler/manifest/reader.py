"""YAML 1.2, core schema, strictly, and fast: libyaml parses, this module builds; ``scalars`` says what words mean.

Chosen by measurement, see docs/adr/0002. A file is read quickly, for its data alone. Only when something in it is
out of the ordinary (a fault, an anchor, a tag), or when a place in it must be named, it is read carefully, as nodes.
Duplicate keys, tags, merge keys, keys that are not text, and anchors that expand without end are faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import DocumentStartEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent
from yaml.events import SequenceStartEvent as ListStartEvent

from reconciler.manifest.nodes import MAX_DEPTH, Node, Tree, YamlFault, trees
from reconciler.manifest.scalars import SUSPECT, plain, shown

__all__ = ["MAX_NODES", "Document", "YamlFault", "documents", "plain"]

MAX_NODES = 100_000
"""Values that the aliases of a document may stand for, all together."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BREAKS = re.compile(b"\xc2\x85|\xe2\x80[\xa8\xa9]")
"""Next line, line separator, paragraph separator: they end lines in YAML 1.1, and in libyaml, but not in 1.2."""
_CURES = {"?": "put quotes round it"}
_QUESTION = re.compile(rb"[\[{,\s]\?\S")
"""What may be a key for libyaml and text in YAML 1.2: ``[?x]``."""


@dataclass
class Document:
    """One document: its data, where it begins, what is wrong with it."""

    data: Any
    line: int
    faults: list[YamlFault] = field(default_factory=list)
    careful: Callable[[], Node | None] = lambda: None
    endless: bool = False
    """Its aliases stand for too much: only a part of it was made."""

    @cached_property
    def node(self) -> Node | None:
        """The document as nodes with their places; None when it cannot be read."""
        return self.careful()


def documents(content: bytes) -> Iterator[Document]:
    """The documents of a file, empty ones left out. What cannot be parsed is one of them, with its fault."""
    odd = content.startswith(_UTF16) or _BREAKS.search(content) or _QUESTION.search(content)
    found = None if odd else _quick(content)
    if found is None:
        yield from _careful(content)
        return
    file = _File(content)
    for number, (line, data) in enumerate(found):
        if data is not None:
            yield Document(data, line, careful=partial(file.node, number))


class _Odd(Exception):
    """Something that only the careful reading can judge."""


def _quick(content: bytes) -> list[tuple[int, Any]] | None:
    """Line and data of every document; None when something in the file is out of the ordinary."""
    parser = CParser(content)
    get: Callable[[], Any] = parser.get_event
    found: list[tuple[int, Any]] = []
    try:
        get()
        while (event := get()).__class__ is DocumentStartEvent:
            if event.version or event.tags:
                return None
            root = get()
            found.append((root.start_mark.line + 1, _value(root, get, 0)))
            get()
    except (_Odd, ValueError, yaml.YAMLError):
        return None
    finally:
        parser.dispose()
    return found


def _value(event: Any, get: Callable[[], Any], depth: int) -> Any:
    """The data that begins with ``event``. This is the innermost loop of every cold plan."""
    kind = event.__class__
    if event.anchor or (kind is not ScalarEvent and (event.tag or depth >= MAX_DEPTH)):
        raise _Odd
    if kind is ScalarEvent:
        return _scalar(event)
    if kind is MappingStartEvent:
        return _mapping(get, depth)
    if kind is not ListStartEvent:
        raise _Odd
    items = []
    while (item := get()).__class__ is not SequenceEndEvent:
        items.append(_scalar(item) if item.__class__ is ScalarEvent else _value(item, get, depth + 1))
    return items


def _mapping(get: Callable[[], Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while (event := get()).__class__ is ScalarEvent:
        key = _scalar(event)
        if key in found or key.__class__ is not str or key == "<<":
            raise _Odd
        event = get()
        found[key] = _scalar(event) if event.__class__ is ScalarEvent else _value(event, get, depth + 1)
    if event.__class__ is not MappingEndEvent:
        raise _Odd
    return found


def _scalar(event: Any) -> Any:
    if event.tag or event.anchor:
        raise _Odd
    value = event.value
    return plain(value) if value[:1] in SUSPECT and event.implicit[0] else value


def _careful(content: bytes) -> Iterator[Document]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        yield Document(None, line, [YamlFault(line, column, "", "is not UTF-8 text", "save the file as UTF-8")])
        return
    for tree in trees(text.removeprefix("\ufeff")):
        made = _constructed(tree)
        if made.data is not None or made.faults:
            yield made


def _constructed(tree: Tree) -> Document:
    if tree.root is None:
        return Document(None, tree.faults[0].line, tree.faults)
    construction = _Construction(tree.faults)
    data = construction.data(tree.root, "")
    return Document(data, tree.root.line, construction.faults, lambda: tree.root, construction.endless)


class _File:
    """A file that was read quickly and therefore is sound: read carefully once, when the first place is asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @cached_property
    def _trees(self) -> list[Tree]:
        return list(trees(self._content.decode("utf-8").removeprefix("\ufeff")))

    def node(self, number: int) -> Node | None:
        """The nodes of one document."""
        return self._trees[number].root if number < len(self._trees) else None


class _Construction:
    """Builds plain data out of nodes, collecting faults."""

    def __init__(self, faults: list[YamlFault]) -> None:
        self.faults = list(faults)
        self._expanded = 0

    @property
    def endless(self) -> bool:
        """More was expanded than may be."""
        return self._expanded > MAX_NODES

    def data(self, node: Node, path: str, *, aliased: bool = False) -> Any:
        """The data of a node, with every fault in it noted."""
        aliased = aliased or node.aliased
        self._expanded += aliased
        if self._expanded > MAX_NODES:
            return self._endless(node, path)
        if node.kind == "fault":
            return self._fault(node, path, node.text, _CURES.get(node.text[:1], "write it out"))
        if node.tag:
            return self._fault(node, path, f"the tag {node.tag} is not allowed", "take the tag out, quote text instead")
        if node.kind == "scalar":
            return self._scalar(node, path)
        if node.kind == "mapping":
            return self._mapping(node, path, aliased=aliased)
        return [self.data(item, f"{path}[{n}]", aliased=aliased) for n, item in enumerate(node.items)]

    def _mapping(self, node: Node, path: str, *, aliased: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.pairs:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = f"{path}.{key}" if path else key
            if key in found:
                self._fault(key_node, here, "the key stands here twice", "keep one of them")
            found[key] = self.data(value_node, here, aliased=aliased)
        return found

    def _key(self, node: Node, path: str) -> str | None:
        if node.kind == "fault":
            return self.data(node, path)  # type: ignore[no-any-return]
        if node.kind != "scalar" or node.tag:
            self._fault(node, path, f"the key {node.text or 'here'} is not text", "put quotes round it")
            return None
        if node.plain and node.text == "<<":
            self._fault(node, path, "merge keys (<<) are not YAML 1.2", "write the fields out")
            return None
        key = self._scalar(node, path)
        if isinstance(key, str):
            return key
        self._fault(node, path, f"the key {shown(node.text)} is not text", "put quotes round it")
        return None

    def _scalar(self, node: Node, path: str) -> Any:
        if not node.plain:
            return node.text
        try:
            return plain(node.text)
        except ValueError as error:
            return self._fault(node, path, str(error), "put quotes round it if it is text")

    def _endless(self, node: Node, path: str) -> None:
        if self._expanded == MAX_NODES + 1:
            message = f"expands to more than {MAX_NODES} values"
            self._fault(node, path[:80], message, "write it out without anchors, or split it")

    def _fault(self, node: Node, path: str, message: str, cure: str) -> None:
        self.faults.append(YamlFault(node.line, node.column, path, message, cure))
