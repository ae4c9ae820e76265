"""RADL documents as items: ``{class: {id: {feature: value}}}``, whichever of the two forms they are written in.

A feature that is bounded (``cpu.count>=2``) is a scalar; one that may stand several times (``contains``) is a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lark import Token, Tree, UnexpectedInput, UnexpectedToken

from reconciler.errors import ManifestError
from reconciler.exchange.templates.items import Item, moved, of_document, read
from reconciler.exchange.templates.radl.grammar import parser
from reconciler.manifest.roundtrip import load_documents
from reconciler.model import Diagnostic

_NAMED = ("ansible", "network", "system", "configure", "description", "include")
_BOUND = re.compile(r"(?P<name>.+)_(?P<bound>min|max)")
_BEGIN = "@begin"
_SYNTAX = "see the syntax of RADL: network, system, configure, contextualize, deploy"


def as_items(text: str, file: str) -> Item:
    """One document, in RADL or JSON. Raises ManifestError with the place of what is neither."""
    if text.lstrip().startswith(("[", "{")):
        return _of_json(read(text, file), file)
    try:
        tree = parser().parse(text)
    except UnexpectedInput as error:
        said = _what(error, text)
        place = max(error.line, 1), max(error.column, 1)
        raise ManifestError([Diagnostic(file, *place, "", f"not RADL: {said!r} stands here", _SYNTAX)]) from error
    return _Reading(file, text).document(tree)


def _what(error: UnexpectedInput, text: str) -> str:
    """What stands where it should not."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "the end"
    at: int | None = error.pos_in_stream
    return text[at or 0 :].split("\n", maxsplit=1)[0][:30]


class _Reading:
    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text

    def document(self, tree: Tree[Token]) -> Item:
        root: dict[str, Item] = {}
        for part in tree.children:
            assert isinstance(part, Tree)  # noqa: S101 (the grammar has nothing else here)
            name = str(part.data)
            if name == "contextualize":
                self._steps(root, part)
            elif name == "deploy":
                self._deploy(root, part)
            else:
                self._named(root, name, part)
        return Item(self.file, 1, 1, "", root)

    def _named(self, root: dict[str, Item], name: str, part: Tree[Token]) -> None:
        first = _token(part.children[0])
        under = self._class(root, name, first)
        if name == "configure":
            recipe = next((t for t in part.children if isinstance(t, Token)), None)
            made = self._scalar(recipe or first, f"configure.{_id(first)}", _recipe(recipe))
            made.text = str(recipe or "")
        else:
            made = self._item(first, f"{name}.{_id(first)}", {})
            for features in part.children[1:]:
                assert isinstance(features, Tree)  # noqa: S101
                self._features(features, made)
        known = under.get(_id(first))
        if known is None or (name == "configure" and known.data == ""):
            under[_id(first)] = made
        elif made.fields:
            known.fields.update(made.fields)
        elif name == "configure" and made.data:
            under[f"{_id(first)} {first.line}"] = made

    def _features(self, features: Tree[Token], into: Item) -> None:
        for feature in features.children:
            assert isinstance(feature, Tree)  # noqa: S101
            if feature.data == "soft":
                number, inner = feature.children
                soft = self._item(number, f"{into.path}.soft", {})
                self._features(inner, soft)  # type: ignore[arg-type]
                self._more(into, "soft", soft)
                continue
            name = _token(feature.children[0])
            path = f"{into.path}.{name}"
            if feature.data == "contains":
                value = feature.children[1]
                if isinstance(value, Tree) and value.data == "features":
                    element = self._item(name, path, {})
                    self._features(value, element)
                else:
                    element = self._value(value, path)
                self._more(into, str(name), element)
            else:
                operator = _token(feature.children[1])
                self._one(into, str(name), operator, self._value(feature.children[2], path))

    def _one(self, into: Item, name: str, operator: str, value: Item) -> None:
        """A feature that stands once; an upper bound is kept beside the lower one."""
        key = f"{name}_max" if operator.startswith("<") or operator == "=<" else name
        into.fields[key] = value

    def _more(self, into: Item, name: str, element: Item) -> None:
        known = into.fields.get(name)
        if known is None:
            known = into.fields[name] = Item(element.file, element.line, element.column, element.path, [])
        elif known.scalar:
            known = into.fields[name] = Item(known.file, known.line, known.column, known.path, [known])
        known.entries.append(element)

    def _value(self, value: Any, path: str) -> Item:
        if isinstance(value, Tree) and value.data == "list":
            items = [self._value(part, path) for part in value.children]
            at = items[0] if items else Item(self.file, value.meta.line, value.meta.column, path, None)
            return Item(self.file, at.line, at.column, path, items)
        token = _token(value.children[-1]) if isinstance(value, Tree) else _token(value)
        return self._scalar(token, path, _plain(token))

    def _steps(self, root: dict[str, Item], part: Tree[Token]) -> None:
        made = root.setdefault("contextualize", Item(self.file, part.meta.line, part.meta.column, "contextualize", []))
        for step in part.children:
            if isinstance(step, Token):
                made.entries.append(self._scalar(step, "contextualize.max_time", str(step)))
                continue
            tokens = [_token(child) for child in step.children]
            names = ("system", "configure", "step", "tool") if step.data == "step" else ("option", "value")
            fields = {
                key: self._scalar(token, f"contextualize.{key}", _plain(token))
                for key, token in zip(names, tokens, strict=False)
            }
            made.entries.append(self._item(tokens[0], "contextualize", fields))

    def _deploy(self, root: dict[str, Item], part: Tree[Token]) -> None:
        tokens = [_token(child) for child in part.children]
        made = root.setdefault("deploy", self._item(tokens[0], "deploy", []))
        fields = {
            key: self._scalar(token, f"deploy.{key}", _plain(token))
            for key, token in zip(("system", "vm_number", "cloud"), tokens, strict=False)
        }
        made.entries.append(self._item(tokens[0], "deploy", fields))

    def _class(self, root: dict[str, Item], name: str, at: Token) -> dict[str, Item]:
        return root.setdefault(name, self._item(at, name, {})).fields

    def _item(self, at: Any, path: str, data: Any) -> Item:
        return Item(self.file, at.line or 1, at.column or 1, path, data)

    def _scalar(self, at: Token, path: str, data: Any) -> Item:
        return Item(self.file, at.line or 1, at.column or 1, path, data, str(data))


def _token(child: Any) -> Token:
    """The token of an id, or the token itself."""
    while isinstance(child, Tree):
        child = child.children[0]
    assert isinstance(child, Token)  # noqa: S101
    return child


def _id(token: Token) -> str:
    return str(_plain(token))


def _plain(token: Token) -> Any:
    text = str(token)
    if token.type == "STRING":
        return text[1:-1]
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def _recipe(token: Token | None) -> str:
    """The YAML between the marks, on the lines on which it stands."""
    if token is None:
        return ""
    inner = str(token)[len(_BEGIN) : -len("@end")]
    return "\n" * ((token.line or 1) - 1) + inner


# --- JSON ------------------------------------------------------------------------------------------------------------


def _of_json(root: Item, file: str) -> Item:
    made: dict[str, Item] = {}
    for entry in root.entries or [root]:
        kind, name = entry.get("class"), entry.get("id")
        said = str(kind.take()) if kind is not None else ""
        if said in _NAMED:
            _json_named(made, said, entry, name)
        elif said == "deploy":
            _listed(made, said, entry).entries.append(entry)
            del entry.fields["class"]
        elif said == "contextualize":
            items = entry.get("items")
            _listed(made, said, entry).entries.extend(items.entries if items is not None else [])
            rest = {key: part for key, part in entry.fields.items() if key not in ("class", "items")}
            made[said].entries.extend(rest.values())
        else:
            fault = Diagnostic(file, entry.line, entry.column, "class", f"{said!r} is no class of RADL", _SYNTAX)
            raise ManifestError([fault])
    return Item(file, 1, 1, "", made)


def _json_named(made: dict[str, Item], said: str, entry: Item, name: Item | None) -> None:
    under = made.setdefault(said, Item(entry.file, entry.line, entry.column, said, {})).fields
    key = str(name.take()) if name is not None else f"{said} {entry.line}"
    if said == "configure":
        recipe = entry.get("recipes")
        under[key] = recipe if recipe is not None else Item(entry.file, entry.line, entry.column, said, "", "")
        rest = {k: part for k, part in entry.fields.items() if k not in ("class", "id", "recipes")}
        for field, part in rest.items():
            under[f"{key} {field}"] = part
        return
    fields = {k: part for k, part in entry.fields.items() if k not in ("class", "id")}
    for field, part in fields.items():
        part.path = f"{said}.{key}.{field}"
    lower = {_name_of(k): part for k, part in fields.items()}
    under[key] = Item(entry.file, entry.line, entry.column, f"{said}.{key}", lower)


def _name_of(key: str) -> str:
    """``cpu.count_min`` is cpu.count; an upper bound keeps its name."""
    found = _BOUND.fullmatch(key)
    return found["name"] if found and found["bound"] == "min" and not key.startswith("ec3_") else key


def _listed(made: dict[str, Item], said: str, entry: Item) -> Item:
    return made.setdefault(said, Item(entry.file, entry.line, entry.column, said, []))


def plays(recipe: Item) -> Sequence[Item] | None:
    """The plays of a recipe, with their places; None when it is no YAML."""
    try:
        documents = load_documents(str(recipe.data), recipe.file)
    except ManifestError:
        return None
    found = [d for d in documents if d.data is not None]
    trees = [of_document(d, recipe.file, (recipe.path,)) for d in found]
    if any(not tree.entries for tree in trees):
        return None
    if not recipe.text.startswith(_BEGIN):  # on one line of JSON, so everything in it stands there
        trees = [moved(tree, recipe.line, recipe.column) for tree in trees]
    return [play for tree in trees for play in tree.entries]
