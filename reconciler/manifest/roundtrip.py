"""Manifests as text that people keep: read with positions, written anew, or edited where the data changed alone.

``update`` makes a text say other data and leaves every other byte as it stands: comments, quotes, indentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from io import StringIO
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from reconciler.errors import ManifestError
from reconciler.manifest.reader import plain
from reconciler.model import Diagnostic

Path = tuple[str | int, ...]

_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_CONTENT = re.compile(r"^(?![#%]|\s*$)", re.MULTILINE)
# Text that YAML 1.1 or 1.2 would read as something else than text, and indicators that parsers disagree about.
_AMBIGUOUS = re.compile(
    r"""(?ix) | ~ | null | true | false | yes | no | on | off | y | n | << | =
    | [-+]? 0 b [01_]+ | [-+]? 0 o? [0-7_]+ | [-+]? 0 x [0-9a-f_]+
    | [-+]? [0-9] [0-9_]* ( : [0-5]? [0-9] )+ ( \. [0-9_]* )?
    | [-+]? ( [0-9] [0-9_]* ( \. [0-9_]* )? | \. [0-9_]+ ) ( e [-+]? [0-9]+ )? | [-+]? \. inf | \. nan
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} .*
    | [-?:] .*"""
)
_BREAKS = re.compile("[\n\x85\u2028\u2029\ufeff]")
"""What parsers take for the end of a line, or leave out, unless it is written as an escape."""
_IDENTITY = ("name", "vo", "role", "site", "key", "fqan", "hostname")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. ``data`` is plain; ``marks`` leads from a path in it to (line, column), from 1."""

    text: str
    """Its part of the file, markers and comments included."""
    data: Any
    marks: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: Mapping[Path, str] = field(default_factory=dict)
    """Path of a scalar -> what is written, before it became a number or a truth value."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def load_documents(text: str, file: str = "") -> list[Document]:
    """Every document of a file. Raises ManifestError with the place when it is no YAML or repeats a key."""
    documents, line = [], 0
    for part in _split(text):
        documents.append(_read(part, file, line))
        line += part.count("\n")
    return documents


def dump(data: Any) -> str:
    """``data`` as a new YAML document in block style; text that could be read as a number or so is quoted."""
    out = StringIO()
    _yaml().dump(_quoted(data), out)
    return out.getvalue()


def update(text: str, data: Any, file: str = "") -> str:
    """The one document in ``text``, edited so that it says ``data``; unchanged when it does already."""
    node = _compose(text, file, 0)
    if node is None:
        return text + dump(data)
    edits = list(_edits(text, node, data))
    if edits and any(n.anchor for n in _nodes(node)):
        raise ManifestError([Diagnostic(file, 1, 1, "", "it uses anchors, so it is not edited", "change it by hand")])
    # Insertions at one place keep their order because equal keys do, and the last is done first.
    for edit in reversed(sorted(edits, key=lambda e: (e.start, e.end))):  # noqa: C413
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _split(text: str) -> list[str]:
    """The file's parts, each with one document; what stands before the first marker belongs to the first."""
    starts = [m.start() for m in _MARKER.finditer(text)]
    if starts and not _CONTENT.search(text[: starts[0]]):
        starts[0] = 0
    elif not starts or starts[0] > 0:
        starts.insert(0, 0)
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1 << 20
    return yaml


def _compose(text: str, file: str, line: int) -> Node | None:
    try:
        node: Node | None = _yaml().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        down, right = (mark.line, mark.column) if mark else (0, 0)
        what = f"no YAML: {error.problem or error.context}"
        raise ManifestError([Diagnostic(file, line + down + 1, right + 1, "", what)]) from error
    except YAMLError as error:
        raise ManifestError([Diagnostic(file, 1 + line, 1, "", f"no YAML: {error}")]) from error
    return node


def _read(text: str, file: str, line: int) -> Document:
    node = _compose(text, file, line)
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
    return Document(text, _plain(node), marks, scalars)


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


def _nodes(node: Node) -> Iterator[Node]:
    return (found for _, found, _ in _walk((), node))


def _plain(node: Node | None) -> Any:
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.value]
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


def _quoted(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {_quoted(key): _quoted(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_quoted(value) for value in data]
    if isinstance(data, str) and (_BREAKS.search(data) or _AMBIGUOUS.fullmatch(data)):
        return DoubleQuotedScalarString(data)
    return data


# --- editing -------------------------------------------------------------------------------------------------------


def _edits(text: str, node: Node, data: Any) -> Iterator[_Edit]:
    """Edits inside a value; the value as a whole is replaced where its shape changed."""
    if _same(_plain(node), data):
        return
    if isinstance(node, MappingNode) and isinstance(data, Mapping) and _block(node) and data:
        yield from _mapping_edits(text, node, data)
    elif isinstance(node, SequenceNode) and isinstance(data, (list, tuple)) and _block(node) and data:
        yield from _sequence_edits(text, node, data)
    else:
        yield _replaced(text, node, data)


def _mapping_edits(text: str, node: MappingNode, data: Mapping[str, Any]) -> Iterator[_Edit]:
    ours = {str(key.value): (key, value) for key, value in node.value}
    column = node.value[0][0].start_mark.column
    first = str(node.value[0][0].value)
    if not ours.keys() & data.keys() or (first not in data and _shares_line(text, node)):
        yield _replaced(text, node, data)
        return
    for name, (key, value) in ours.items():
        if name in data:
            yield from _value_edits(text, key, value, data[name])
        else:
            yield _lines_removed(text, key.start_mark.index, _end_of_pair(text, key, value))
    after = _end_of_pair(text, *node.value[-1])
    for name, wanted in data.items():
        if name in ours:
            after = _end_of_pair(text, *ours[name])
        else:
            yield _inserted(text, after, " " * column + _rendered({name: wanted}, column))


def _value_edits(text: str, key: Node, value: Node, data: Any) -> Iterator[_Edit]:
    ours = _plain(value)
    if _same(ours, data):
        return
    if type(ours) is type(data) and data and _block(value):
        yield from _edits(text, value, data)
        return
    start = text.index(":", key.end_mark.index) + 1
    end = start if _empty(value) else _end(text, value)
    flow = isinstance(value, (MappingNode, SequenceNode)) and not _block(value) and value.value
    if isinstance(data, (dict, list)) and data and not flow:
        column = key.start_mark.column + 2
        yield _Edit(start, end, "\n" + " " * column + _rendered(data, column))
    else:
        yield _Edit(start, end, " " + _inline(data, value))


def _sequence_edits(text: str, node: SequenceNode, data: Sequence[Any]) -> Iterator[_Edit]:
    items, column = node.value, node.start_mark.column
    pairs, gone, new = _matched(items, data)
    if not pairs:
        yield _replaced(text, node, data)
        return
    for item, wanted in pairs:
        yield from _edits(text, item, wanted)
    for item in gone:
        yield _lines_removed(text, _dash(text, item), _end(text, item))
    for after, wanted in new:
        block = " " * column + _item(wanted, column)
        if after is None:
            start = _line_start(text, node.start_mark.index)
            yield _Edit(start, start, block + "\n")
        else:
            yield _inserted(text, _end(text, after), block)


def _matched(
    items: Sequence[Node], data: Sequence[Any]
) -> tuple[list[tuple[Node, Any]], list[Node], list[tuple[Node | None, Any]]]:
    """Items that stay, perhaps changed; items that go; new ones, each with the item it follows."""
    pairs: list[tuple[Node, Any]] = []
    gone: list[Node] = []
    new: list[tuple[Node | None, Any]] = []
    last: Node | None = None
    keys = [_json(_plain(i)) for i in items]
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
    wanted = _identity(_plain(item))
    return next((n for n, d in enumerate(data) if _same(_identity(d), wanted)), None)


def _identity(item: Any) -> Any:
    """What makes an item of a list the same one after a change."""
    if not isinstance(item, Mapping):
        return item
    return next(({k: item[k]} for k in _IDENTITY if k in item), item)


def _lines_removed(text: str, start: int, end: int) -> _Edit:
    return _Edit(_line_start(text, start), _line_end(text, end), "")


def _inserted(text: str, after: int, block: str) -> _Edit:
    at = _line_end(text, after)
    newline = "" if at and text[at - 1] == "\n" else "\n"
    return _Edit(at, at, f"{newline}{block}\n")


def _replaced(text: str, node: Node, data: Any) -> _Edit:
    start = node.start_mark.index
    if _block(node):
        return _Edit(start, _end(text, node), _rendered(data, node.start_mark.column))
    return _Edit(start, max(start, _end(text, node)), _inline(data, node))


def _rendered(data: Any, column: int) -> str:
    """``data`` in block style where it can be; lines after the first are indented by ``column``."""
    if isinstance(data, Mapping) and data:
        return _indented(dump(data), column)
    if isinstance(data, (list, tuple)) and data:
        return ("\n" + " " * column).join(_item(item, column) for item in data)
    return _inline(data)


def _item(data: Any, column: int) -> str:
    return "- " + _rendered(data, column + 2)


def _inline(data: Any, old: Node | None = None) -> str:
    """A value on one line; a quoted scalar stays quoted."""
    if isinstance(data, str) and isinstance(old, ScalarNode) and old.style == '"':
        data = DoubleQuotedScalarString(data)
    out = StringIO()
    yaml = _yaml()
    yaml.default_flow_style = True
    yaml.dump([_quoted(data)], out)
    return out.getvalue().strip()[1:-1]


def _indented(block: str, column: int) -> str:
    return ("\n" + " " * column).join(block.rstrip("\n").split("\n"))


def _block(node: Node) -> bool:
    return isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style


def _empty(node: Node) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return _json(a) == _json(b)


def _shares_line(text: str, node: Node) -> bool:
    """True when something stands before the node on its line (the dash of an item)."""
    start = int(node.start_mark.index)
    return bool(text[_line_start(text, start) : start].strip())


def _dash(text: str, item: Node) -> int:
    return text.rindex("-", 0, item.start_mark.index)


def _end(text: str, node: Node) -> int:
    """Index behind the last character of a value; comments after it do not belong to it."""
    if _block(node) and node.value:
        if isinstance(node, MappingNode):
            return _end_of_pair(text, *node.value[-1])
        return _end(text, node.value[-1])
    index = int(node.end_mark.index)
    if _empty(node):
        return _before_comments(text, index)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return len(text[:index].rstrip())
    return index


def _end_of_pair(text: str, key: Node, value: Node) -> int:
    return text.index(":", key.end_mark.index) + 1 if _empty(value) else _end(text, value)


def _before_comments(text: str, index: int) -> int:
    """The end of the last line with content before ``index``."""
    lines = text[:index].rstrip().split("\n")
    while lines and lines[-1].lstrip().startswith(("#", "\n")):
        lines = "\n".join(lines[:-1]).rstrip().split("\n")
    return len("\n".join(lines))


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Index behind the newline that ends the line of ``index``."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
