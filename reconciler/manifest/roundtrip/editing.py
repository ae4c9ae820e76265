"""Text edited where the data changed, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.errors import ManifestError
from reconciler.manifest.roundtrip.places import (
    dash_of,
    end_of,
    end_of_pair,
    is_block,
    is_empty,
    line_end,
    line_start,
    shares_line,
)
from reconciler.manifest.roundtrip.reading import compose, data_of, nodes
from reconciler.manifest.roundtrip.writing import dump, inline
from reconciler.model import Diagnostic

_IDENTITY = ("name", "vo", "role", "site", "key", "fqan", "hostname")


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def update(text: str, data: Any, file: str = "") -> str:
    """The one document in ``text``, edited so that it says ``data``; unchanged when it does already."""
    node = compose(text, file, 0)
    if node is None:
        return text + dump(data)
    edits = list(_edits(text, node, data))
    if edits and any(n.anchor for n in nodes(node)):
        raise ManifestError([Diagnostic(file, 1, 1, "", "it uses anchors, so it is not edited", "change it by hand")])
    # Insertions at one place keep their order because equal keys do, and the last is done first.
    for edit in reversed(sorted(edits, key=lambda e: (e.start, e.end))):  # noqa: C413
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(text: str, node: Node, data: Any) -> Iterator[_Edit]:
    """Edits inside a value; the value as a whole is replaced where its shape changed."""
    if _same(data_of(node), data):
        return
    if isinstance(node, MappingNode) and isinstance(data, Mapping) and is_block(node) and data:
        yield from _mapping_edits(text, node, data)
    elif isinstance(node, SequenceNode) and isinstance(data, (list, tuple)) and is_block(node) and data:
        yield from _sequence_edits(text, node, data)
    else:
        yield _replaced(text, node, data)


def _mapping_edits(text: str, node: MappingNode, data: Mapping[str, Any]) -> Iterator[_Edit]:
    ours = {str(key.value): (key, value) for key, value in node.value}
    column = node.value[0][0].start_mark.column
    first = str(node.value[0][0].value)
    if not ours.keys() & data.keys() or (first not in data and shares_line(text, node)):
        yield _replaced(text, node, data)
        return
    for name, (key, value) in ours.items():
        if name in data:
            yield from _value_edits(text, key, value, data[name])
        else:
            yield _lines_removed(text, key.start_mark.index, end_of_pair(text, key, value))
    after = end_of_pair(text, *node.value[-1])
    for name, wanted in data.items():
        if name in ours:
            after = end_of_pair(text, *ours[name])
        else:
            yield _inserted(text, after, " " * column + _rendered({name: wanted}, column))


def _value_edits(text: str, key: Node, value: Node, data: Any) -> Iterator[_Edit]:
    ours = data_of(value)
    if _same(ours, data):
        return
    if type(ours) is type(data) and data and is_block(value):
        yield from _edits(text, value, data)
        return
    start = text.index(":", key.end_mark.index) + 1
    end = start if is_empty(value) else end_of(text, value)
    flow = isinstance(value, (MappingNode, SequenceNode)) and not is_block(value) and value.value
    if isinstance(data, (dict, list)) and data and not flow:
        column = key.start_mark.column + 2
        yield _Edit(start, end, "\n" + " " * column + _rendered(data, column))
    else:
        yield _Edit(start, end, " " + inline(data, value))


def _sequence_edits(text: str, node: SequenceNode, data: Sequence[Any]) -> Iterator[_Edit]:
    items, column = node.value, node.start_mark.column
    pairs, gone, new = _matched(items, data)
    if not pairs:
        yield _replaced(text, node, data)
        return
    for item, wanted in pairs:
        yield from _edits(text, item, wanted)
    for item in gone:
        yield _lines_removed(text, dash_of(text, item), end_of(text, item))
    for after, wanted in new:
        block = " " * column + _item(wanted, column)
        if after is None:
            start = line_start(text, node.start_mark.index)
            yield _Edit(start, start, block + "\n")
        else:
            yield _inserted(text, end_of(text, after), block)


def _matched(
    items: Sequence[Node], data: Sequence[Any]
) -> tuple[list[tuple[Node, Any]], list[Node], list[tuple[Node | None, Any]]]:
    """Items that stay, perhaps changed; items that go; new ones, each with the item it follows."""
    pairs: list[tuple[Node, Any]] = []
    gone: list[Node] = []
    new: list[tuple[Node | None, Any]] = []
    last: Node | None = None
    keys = [_json(data_of(i)) for i in items]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, keys, [_json(d) for d in data], autojunk=False).get_opcodes():
        rest = list(data[j1:j2])
        for item in items[i1:i2]:
            like = 0 if tag == "equal" else _index_of_like(item, rest)
            if like is None:
                gone.append(item)
            else:
                new += [(last, d) for d in rest[:like]]
                pairs.append((item, rest[like]))
                del rest[: like + 1]
            last = item
        new += [(last, d) for d in rest]
    return pairs, gone, new


def _index_of_like(item: Node, data: Sequence[Any]) -> int | None:
    wanted = _identity(data_of(item))
    return next((n for n, d in enumerate(data) if _same(_identity(d), wanted)), None)


def _identity(item: Any) -> Any:
    """What makes an item of a list the same one after a change."""
    if not isinstance(item, Mapping):
        return item
    return next(({k: item[k]} for k in _IDENTITY if k in item), item)


def _lines_removed(text: str, start: int, end: int) -> _Edit:
    return _Edit(line_start(text, start), line_end(text, end), "")


def _inserted(text: str, after: int, block: str) -> _Edit:
    at = line_end(text, after)
    newline = "" if at and text[at - 1] == "\n" else "\n"
    return _Edit(at, at, f"{newline}{block}\n")


def _replaced(text: str, node: Node, data: Any) -> _Edit:
    start = node.start_mark.index
    if is_block(node):
        return _Edit(start, end_of(text, node), _rendered(data, node.start_mark.column))
    return _Edit(start, max(start, end_of(text, node)), inline(data, node))


def _rendered(data: Any, column: int) -> str:
    """``data`` in block style where it can be; lines after the first are indented by ``column``."""
    if isinstance(data, Mapping) and data:
        return _indented(dump(data), column)
    if isinstance(data, (list, tuple)) and data:
        return ("\n" + " " * column).join(_item(item, column) for item in data)
    return inline(data)


def _item(data: Any, column: int) -> str:
    return "- " + _rendered(data, column + 2)


def _indented(block: str, column: int) -> str:
    return ("\n" + " " * column).join(block.rstrip("\n").split("\n"))


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return _json(a) == _json(b)
