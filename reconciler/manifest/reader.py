"""YAML 1.2, core schema, strictly, and fast: libyaml parses, this module decides what the scalars mean.

Chosen by measurement, see docs/adr/0002. What YAML 1.1 would turn into something else (``no``, ``12:30``, ``1_000``)
is text here, as YAML 1.2 says. Duplicate keys, tags, keys that are not text, and anchors that expand without end are
faults. Every node knows its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.nodes import MappingNode, Node, ScalarNode

MAX_NODES = 100_000
MAX_DEPTH = 50

_PLAIN = "plain"
_TEXT = "text"
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMERIC = frozenset("+-.0123456789")


@dataclass(frozen=True, slots=True)
class YamlFault:
    """A place that is not acceptable YAML. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str
    cure: str = ""


@dataclass(slots=True)
class Document:
    """One document: its data, its nodes (for positions) and what is wrong with it."""

    data: Any
    node: Node | None
    line: int
    faults: list[YamlFault] = field(default_factory=list)


def documents(content: bytes) -> Iterator[Document]:
    """The documents of a file, empty ones left out. What cannot be parsed is the last one, with its fault."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        yield _broken(YamlFault(line, 1, "", "is not UTF-8 text", "save the file as UTF-8"))
        return
    parser = _Parser(text)
    try:
        while parser.check_node():
            node = parser.get_node()
            if node is not None and not _is_empty(node):
                yield _Constructed(node).document()
    except yaml.YAMLError as error:
        yield _broken(_syntax(error, text))
    finally:
        parser.dispose()


class _Parser(CParser):
    """libyaml's composer; all that is left to Python is whether a scalar is plain."""

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:  # noqa: ARG002
        return _PLAIN if kind is ScalarNode and implicit[0] else _TEXT

    def descend_resolver(self, current: Node, index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


class _Constructed:
    """Builds plain data out of nodes, collecting faults."""

    def __init__(self, node: Node) -> None:
        self._node, self._count = node, 0
        self._faults: list[YamlFault] = []

    def document(self) -> Document:
        data = self._data(self._node, "", 0)
        return Document(data, self._node, self._node.start_mark.line + 1, self._faults)

    def _data(self, node: Node, path: str, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            if not any(fault.message.startswith("expands") for fault in self._faults):
                limits = f"{MAX_NODES} values or {MAX_DEPTH} levels"
                self._fault(
                    node, path[:80], f"expands to more than {limits}", "write it out without anchors, or split it"
                )
            return None
        if type(node) is ScalarNode:
            return self._scalar(node, path)
        if type(node) is MappingNode:
            return self._mapping(node, path, depth)
        if node.tag != _TEXT:
            self._tagged(node, path)
        return [self._data(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: str, depth: int) -> dict[str, Any]:
        if node.tag != _TEXT:
            self._tagged(node, path)
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._data(key_node, path, depth + 1)
            if type(key) is not str:
                said = f"the key {key_node.value if type(key_node) is ScalarNode else 'here'} is not text"
                self._fault(key_node, path, said, "put quotes round it")
                continue
            here = f"{path}.{key}" if path else key
            if key in found:
                self._fault(key_node, here, "the key stands here twice", "keep one of them")
            found[key] = self._data(value_node, here, depth + 1)
        return found

    def _scalar(self, node: ScalarNode, path: str) -> Any:
        value: str = node.value
        if node.tag == _TEXT:
            return value
        if node.tag != _PLAIN:
            return self._tagged(node, path)
        try:
            return plain(value)
        except ValueError as error:
            return self._fault(node, path, str(error), "put quotes round it if it is text")

    def _tagged(self, node: Node, path: str) -> None:
        self._fault(node, path, f"the tag {node.tag} is not allowed", "take the tag out, quote text instead")

    def _fault(self, node: Node, path: str, message: str, cure: str) -> None:
        mark = node.start_mark
        self._faults.append(YamlFault(mark.line + 1, mark.column + 1, path, message, cure))


def plain(value: str) -> Any:  # noqa: PLR0911 (one return per form of the core schema)
    """What a plain scalar means by the YAML 1.2 core schema. Raises ValueError for numbers that JSON cannot hold."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in _NUMERIC:
        return value
    if _INT.match(value):
        return _integer(value, 10)
    if _FLOAT.match(value):
        number = float(value)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is too large a number")
        return number
    if _OCTAL.match(value):
        return _integer(value[2:], 8)
    if _HEX.match(value):
        return _integer(value[2:], 16)
    if _SPECIAL.match(value):
        raise ValueError(f"{value} is not a number that may stand in a manifest")
    return value


def _integer(digits: str, base: int) -> int:
    number = int(digits, base) if len(digits) < 25 else 1 << 64  # noqa: PLR2004 (24 digits hold every 64-bit number)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{digits} does not fit in 64 bits")
    return number


def _is_empty(node: Node) -> bool:
    return type(node) is ScalarNode and node.tag == _PLAIN and node.value in ("", "~", "null")


def _broken(fault: YamlFault) -> Document:
    return Document(None, None, fault.line, [fault])


def _syntax(error: yaml.YAMLError, text: str) -> YamlFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "not valid YAML"
    context = getattr(error, "context", None)
    message = f"{context}, {said}" if context else str(said)
    line, column = (mark.line + 1, mark.column + 1) if mark else (_odd_line(error, text), 1)
    cure = "indent with spaces" if "tab" in message or "\t" in _line(text, line) else "mend the YAML here"
    return YamlFault(line, column, "", f"not valid YAML: {message}", cure)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _odd_line(error: yaml.YAMLError, text: str) -> int:
    position = getattr(error, "position", 0) or 0
    return text[:position].count("\n") + 1
