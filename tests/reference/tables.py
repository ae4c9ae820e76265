"""A pydantic model as a Markdown table: a row per field, nested fields below their parent under their whole path."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

HEAD = ("| field | type | default | meaning |", "|---|---|---|---|")
Node = Mapping[str, Any]


def table(model: Any, below: str = "", without: Collection[str] = ()) -> Iterator[str]:
    """The table's lines. ``below`` stands before every path: ``namespace.``; fields of ``without`` are left out."""
    whole = model.model_json_schema(by_alias=True)
    for name in without:
        whole["properties"].pop(name, None)
    yield from HEAD
    yield from _Rows(whole.get("$defs", {})).of(whole, below, {}, frozenset())


def prose(text: str) -> str:
    """Text of a docstring as Markdown."""
    return text.replace("``", "`")


class _Rows:
    def __init__(self, defs: Node) -> None:
        self._defs = defs

    def of(self, node: Node, path: str, given: Node, seen: frozenset[str]) -> Iterator[str]:
        """Rows of an object's fields. ``given`` holds defaults that its parent has for them."""
        needed = node.get("required", ())
        for name, field in node.get("properties", {}).items():
            inner, many, title = self._inner(field)
            default = given.get(name, field.get("default"))
            here = f"{path}{name}{'[]' if many else ''}"
            must = name in needed and name not in given
            cells = (f"`{here}`", self._type(field), "**required**" if must else _shown(default))
            yield f"| {' | '.join(cells)} | {self._meaning(field, inner)} |"
            if inner is not None and title not in seen:
                below = default if isinstance(default, Mapping) else {}
                yield from self.of(inner, f"{here}.", below, seen | {title})

    def _meaning(self, field: Node, inner: Node | None) -> str:
        said = field.get("description") or (inner or {}).get("description") or ""
        return prose(str(said)).replace("\n", " ").replace("|", "\\|")

    def _inner(self, field: Node) -> tuple[Node | None, bool, str]:
        """(the object inside, whether there are many, its title); None when there is none."""
        for option in (field, *field.get("anyOf", ())):
            many = option.get("type") == "array"
            node = option.get("items", {}) if many else option
            if "$ref" in node:
                title = node["$ref"].rpartition("/")[2]
                found = self._defs.get(title, {})
                return (found, many, title) if "properties" in found else (None, False, title)
        return None, False, ""

    def _type(self, field: Node) -> str:
        if "$ref" in field:
            field = self._defs.get(field["$ref"].rpartition("/")[2], {})
        if "enum" in field:
            return " \\| ".join(f"`{value}`" for value in field["enum"])
        if "const" in field:
            return f"`{field['const']}`"
        if "anyOf" in field:
            kept = (option for option in field["anyOf"] if option.get("type") != "null")
            return " or ".join(dict.fromkeys(map(self._type, kept)))
        if field.get("type") == "array":
            inner = self._type(field.get("items", {}))
            return f"list of {inner}s" if inner in ("string", "integer", "number", "object") else f"list of {inner}"
        if field.get("type") == "string" and field.get("format"):
            return {"date": "day", "date-time": "time (UTC)"}.get(field["format"], "string")
        return str(field.get("type", "any"))


def _shown(default: Any) -> str:
    """A default that says something; a list of objects would fill the page."""
    if default in (None, "", [], {}) or isinstance(default, Mapping):
        return ""
    if isinstance(default, list) and any(isinstance(item, Mapping) for item in default):
        return "several"
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"
