"""From a path inside a document to the line and column where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.manifest.nodes import Node

Path = Sequence[int | str]


def place(node: Node | None, path: Path) -> tuple[int, int]:
    """Line and column, from 1, of the key or item at ``path``; of the nearest thing above it that is there."""
    if node is None:
        return 1, 1
    at = node
    for step in path:
        found = _step(node, step)
        if found is None:
            continue  # pydantic names the branch of a union here: it stands in no file
        at, node = found
    return at.line, at.column


def known(node: Node | None, path: Path) -> list[int | str]:
    """The steps of a path that stand in the file: without the branches of unions that pydantic names."""
    steps = []
    for step in path:
        found = _step(node, step)
        if found is not None:
            node = found[1]
            steps.append(step)
    return steps


def value(node: Node | None, path: Path) -> Node | None:
    """The value at ``path``; None when it is not there."""
    for step in path:
        found = _step(node, step)
        node = found[1] if found else None
    return node


def written(path: Path) -> str:
    """The path as a person writes it: ``spec.values[0]``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def parsed(path: str) -> list[int | str]:
    """``spec.values[0]`` as steps."""
    parts = [part for part in path.replace("[", ".[").split(".") if part]
    return [int(part[1:-1]) if part.startswith("[") and part[1:-1].isdigit() else part for part in parts]


def _step(node: Node | None, step: int | str) -> tuple[Node, Node] | None:
    if node is None:
        return None
    if isinstance(step, str):
        return next((pair for pair in node.pairs if pair[0].text == step), None)
    return (node.items[step], node.items[step]) if 0 <= step < len(node.items) else None
