"""A YAML file as nodes with their places: the careful reading, for what is faulty, has anchors, or must be pointed at.

It reads the same events of libyaml as the quick reading in ``reader``, never goes deeper than ``MAX_DEPTH``, and goes
on after a fault: at the next document after a syntax fault, at the next node after any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from reconciler.manifest.scalars import shown

MAX_DEPTH = 50
"""Levels of a document."""

MAX_SYNTAX_FAULTS = 20
"""Documents of one file that may be broken before the rest of it is left alone."""

_FOREIGN = re.compile("[\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_ANCHOR = re.compile(r"[&*][0-9A-Za-z_-]+(?=[\s,\[\]{}]|\Z)")
_NEXT = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class YamlFault:
    """A place that is not acceptable YAML. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str
    cure: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """A value where it stands. Lines and columns count from 1."""

    kind: Literal["scalar", "list", "mapping", "fault"]
    line: int
    column: int
    text: str = ""
    """A scalar's text; what is wrong, of a fault."""
    plain: bool = False
    """True for a scalar without quotes: its text decides its type."""
    tag: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    aliased: bool = False
    """True when it stands at its anchor, and here through an alias."""


@dataclass(slots=True)
class Tree:
    """One document, or what is wrong where one should be."""

    root: Node | None
    faults: list[YamlFault]


def trees(text: str) -> Iterator[Tree]:
    """Every document of a file, each with the faults that keep it from being read."""
    odd = [*islice(_odd_characters(text), MAX_SYNTAX_FAULTS)]
    if odd:
        yield Tree(None, odd)
        return
    start = 0
    for _ in range(MAX_SYNTAX_FAULTS):
        before = text.count("\n", 0, start)
        fault = yield from _documents(text[start:], before)
        after = _NEXT.search(text, _offset(text, max(fault.line, before + 2))) if fault else None
        if after is None:
            return
        start = after.start()


def _documents(text: str, before: int) -> Generator[Tree, None, YamlFault | None]:
    """Documents up to the end, or to the first syntax fault, which is returned too."""
    parser = CParser(text)
    get: Callable[[], Any] = parser.get_event
    try:
        get()
        while isinstance(event := get(), DocumentStartEvent):
            faults = list(_directives(event, before))
            root = _Builder(get, text, before).node(get(), 0)
            get()
            yield Tree(root, faults)
    except (yaml.YAMLError, _Stop) as error:
        fault = error.fault if isinstance(error, _Stop) else _syntax(error, text, before)
        yield Tree(None, [fault])
        return fault
    finally:
        parser.dispose()
    return None


class _Stop(Exception):
    def __init__(self, fault: YamlFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _Builder:
    """Builds the nodes of one document out of events."""

    def __init__(self, get: Callable[[], Any], text: str, before: int) -> None:
        self._get, self._text, self._before = get, text, before
        self._anchors: dict[str, Node | None] = {}

    def node(self, event: Any, depth: int) -> Node:
        """The node that begins with ``event``."""
        line, column = event.start_mark.line + 1 + self._before, event.start_mark.column + 1
        if event.anchor and not _ANCHOR.match(self._text, event.start_mark.index):
            raise _Stop(YamlFault(line, column, "", "anchors are named with letters, digits, - and _", "rename it"))
        if isinstance(event, AliasEvent):
            return self._alias(str(event.anchor), line, column)
        if isinstance(event, ScalarEvent):
            made = self._scalar(event, line, column)
        elif depth >= MAX_DEPTH:
            fault = YamlFault(line, column, "", f"is deeper than {MAX_DEPTH} levels", "split it")
            raise _Stop(fault)  # reading on would cost libyaml the square of the depth
        else:
            made = self._collection(event, Node("list", line, column, tag=event.tag or ""), depth)
        if event.anchor:
            self._anchors[event.anchor] = made
        return made

    def _scalar(self, event: Any, line: int, column: int) -> Node:
        if self._text.endswith("?", 0, event.start_mark.index) and (event.value or event.style):
            # libyaml takes [?x] for a key, as YAML 1.1 has it; in YAML 1.2 it is the text ?x
            return Node("fault", line, column - 1, f"?{shown(event.value)} can be read in two ways")
        return Node("scalar", line, column, event.value, bool(event.implicit[0]), event.tag or "")

    def _collection(self, event: Any, made: Node, depth: int) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, MappingStartEvent):
            made.kind = "mapping"
            while not isinstance(key := self._get(), MappingEndEvent):
                made.pairs.append((self.node(key, depth + 1), self.node(self._get(), depth + 1)))
            return made
        while not isinstance(item := self._get(), SequenceEndEvent):
            made.items.append(self.node(item, depth + 1))
        return made

    def _alias(self, name: str, line: int, column: int) -> Node:
        if name not in self._anchors:
            return Node("fault", line, column, f"there is no anchor &{name} before this alias")
        at = self._anchors[name]
        if at is None:
            return Node("fault", line, column, f"expands to more than any limit: the anchor &{name} contains itself")
        return Node(at.kind, line, column, at.text, at.plain, at.tag, at.items, at.pairs, aliased=True)


def _directives(event: Any, before: int) -> Iterator[YamlFault]:
    line = event.start_mark.line + 1 + before
    if event.version and tuple(event.version) != (1, 2):
        said = ".".join(str(part) for part in event.version)
        yield YamlFault(line, 1, "", f"%YAML {said}: manifests are YAML 1.2", "take the directive out")
    if event.tags:
        yield YamlFault(line, 1, "", "%TAG: tags are not allowed", "take the directive out")


def _odd_characters(text: str) -> Iterator[YamlFault]:
    for found in _FOREIGN.finditer(text):
        code = f"U+{ord(found[0]):04X}"
        message = f"the character {code} ends a line in YAML 1.1 and does not in 1.2"
        yield YamlFault(*_place(text, found.start()), "", message, 'write it as an escape inside "..."')
    for found in _CONTROL.finditer(text):
        message = f"the control character U+{ord(found[0]):04X} is not allowed"
        yield YamlFault(*_place(text, found.start()), "", message, 'take it out, or write it as an escape inside "..."')


def _syntax(error: yaml.YAMLError, text: str, before: int) -> YamlFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    context = getattr(error, "context", None)
    message = f"{context}, {said}" if context else str(said)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    tab = "tab" in message or (line <= len(lines) and "\t" in lines[line - 1])
    cure = "indent with spaces" if tab else "mend the YAML here"
    return YamlFault(line + before, column, "", f"not valid YAML: {message}", cure)


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _offset(text: str, line: int) -> int:
    """Index at which a line begins; lines count from 1."""
    index = 0
    for _ in range(line - 1):
        index = text.find("\n", index) + 1
        if not index:
            return len(text)
    return index
