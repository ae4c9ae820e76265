"""Where things begin and end in YAML text: values, pairs, items, lines."""

from __future__ import annotations

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def is_block(node: Node) -> bool:
    """Whether it is a mapping or a sequence in block style."""
    return isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style


def is_empty(node: Node) -> bool:
    """Whether nothing is written."""
    return bool(node.start_mark.index == node.end_mark.index)


def shares_line(text: str, node: Node) -> bool:
    """True when something stands before the node on its line (the dash of an item)."""
    start = int(node.start_mark.index)
    return bool(text[line_start(text, start) : start].strip())


def dash_of(text: str, item: Node) -> int:
    """Index of the dash of an item."""
    return text.rindex("-", 0, item.start_mark.index)


def end_of(text: str, node: Node) -> int:
    """Index behind the last character of a value; comments after it do not belong to it."""
    if is_block(node) and node.value:
        if isinstance(node, MappingNode):
            return end_of_pair(text, *node.value[-1])
        return end_of(text, node.value[-1])
    index = int(node.end_mark.index)
    if is_empty(node):
        return _before_comments(text, index)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return len(text[:index].rstrip())
    return index


def end_of_pair(text: str, key: Node, value: Node) -> int:
    """Index behind a key and its value."""
    return text.index(":", key.end_mark.index) + 1 if is_empty(value) else end_of(text, value)


def _before_comments(text: str, index: int) -> int:
    """The end of the last line with content before ``index``."""
    lines = text[:index].rstrip().split("\n")
    while lines and lines[-1].lstrip().startswith(("#", "\n")):
        lines = "\n".join(lines[:-1]).rstrip().split("\n")
    return len("\n".join(lines))


def line_start(text: str, index: int) -> int:
    """Index of the first character of the line of ``index``."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Index behind the newline that ends the line of ``index``."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
