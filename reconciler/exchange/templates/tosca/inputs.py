"""Inputs of a template: given, or their defaults; their constraints; and the functions that values are made with."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.exchange.templates.amounts import bytes_of
from reconciler.exchange.templates.items import Account, Item, given
from reconciler.exchange.templates.software import secret

_FUNCTIONS = frozenset({"get_input", "get_property", "get_attribute", "get_operation_output", "concat", "token"})
_LATER = frozenset({"get_attribute", "get_operation_output", "get_artifact"})
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater_than": operator.gt,
    "greater_or_equal": operator.ge,
    "less_than": operator.lt,
    "less_or_equal": operator.le,
}
_SIZES: Mapping[str, Callable[[Any, Any], bool]] = {
    "length": operator.eq,
    "min_length": operator.ge,
    "max_length": operator.le,
}


class Values:
    """What properties come to."""

    def __init__(self, topology: Item, account: Account, said: Mapping[str, str]) -> None:
        self.account = account
        self.nodes = topology.fields.get("node_templates") or topology
        self._declared = (topology.get("inputs") or topology).fields if topology.get("inputs") else {}
        self._said = {name: given(value, "--input", name) for name, value in said.items()}
        self._used: set[str] = set()
        self._busy: set[int] = set()

    def unknown(self) -> list[str]:
        """Names that were given and are no inputs."""
        return [name for name in self._said if name not in self._declared]

    def shown(self) -> Iterator[str]:
        """Each input with its value and what it is for; constraints that do not hold are said."""
        for name, declared in self._declared.items():
            value = self._value(name)
            for key in ("type", "description", "required", "constraints", "entry_schema", "status"):
                found = declared.get(key)
                if found is not None:
                    found.mention()
            if value is None:
                shown, origin = "nothing", "it has no default"
            else:
                shown = "(a secret)" if secret(name) else _brief(value.plain())
                origin = "given" if name in self._said else "default"
                self._check(name, declared, value)
            text = " ".join(str(_plain(declared.get("description")) or "").split())
            yield f"{name} = {shown} ({origin})" + (f": {text}" if text else "")

    def close(self) -> None:
        """Say which inputs nothing has used."""
        for name, declared in self._declared.items():
            if name not in self._used:
                self.account.spared(declared, "no part of the template that is mapped uses this input")

    def resolve(self, item: Item) -> Item | None:
        """What an item comes to; None where that is known only later or not at all, which is said."""
        call = self._call(item)
        if call is None:
            return item
        name, argument = call
        if name in _LATER:
            cure = "outputs of a cluster are taken with valuesFrom"
            self.account.lost(item, f"{name} is known only when everything runs", cure)
            return None
        if id(item) in self._busy:
            self.account.lost(item, "it is made of itself", "mend the template")
            return None
        self._busy.add(id(item))
        try:
            return self._made(item, name, argument)
        finally:
            self._busy.discard(id(item))

    def plain(self, item: Item | None) -> Any:
        """The plain value of an item, everything in it resolved; None where something is not known."""
        if item is None:
            return None
        found = self.resolve(item)
        if found is None:
            return None
        item.mention() if found is not item else None
        if found.scalar:
            found.mention()
            return found.data
        if found.fields:
            return {key: self.plain(part) for key, part in found.fields.items()}
        found.mentioned = True
        return [self.plain(part) for part in found.entries]

    def parts(self, item: Item | None) -> dict[str, Item]:
        """The fields of what an item comes to."""
        found = self.resolve(item) if item is not None else None
        return found.fields if found is not None else {}

    # --- functions ----------------------------------------------------------------------------------------------

    def _call(self, item: Item) -> tuple[str, Item] | None:
        if len(item.fields) != 1:
            return None
        [(name, argument)] = item.fields.items()
        return (name, argument) if name in _FUNCTIONS | _LATER else None

    def _made(self, item: Item, name: str, argument: Item) -> Item | None:
        if name == "get_input":
            return self._input(item, argument)
        if name == "get_property":
            return self._property(item, argument)
        parts = [self.plain(part) for part in argument.entries]
        argument.mentioned = True
        if any(part is None for part in parts):
            return None
        if name == "concat":
            return self._text(item, "".join(_written(part) for part in parts))
        text, mark, number = (*parts, "", "", "")[:3]
        pieces = str(text).split(str(mark)) if mark else [str(text)]
        known = isinstance(number, int) and number < len(pieces)
        return self._text(item, pieces[number]) if known else self._nothing(item, "this token is not there")

    def _input(self, item: Item, argument: Item) -> Item | None:
        keys = [argument] if argument.scalar else argument.entries
        item.mention()
        name = str(keys[0].plain()) if keys else ""
        found = self._value(name)
        self._used.add(name)
        if name not in self._declared:
            return self._nothing(item, f"there is no input {name}")
        if found is None:
            self.account.lost(item, f"the input {name} has no value", f"give --input {name}=VALUE")
            return None
        for key in keys[1:]:
            below = found.fields.get(str(key.plain())) if found.fields else None
            at = key.plain()
            if below is None and isinstance(at, int) and at < len(found.entries):
                below = found.entries[at]
            if below is None:
                return self._nothing(item, f"the input {name} has no {at}")
            found = below
        return self.resolve(found)

    def _property(self, item: Item, argument: Item) -> Item | None:
        keys = [str(part.plain()) for part in argument.entries]
        item.mention()
        node = self.nodes.get(keys[0]) if keys else None
        ways = [("properties", *keys[1:]), ("capabilities", *keys[1:2], "properties", *keys[2:])]
        found = next((f for way in ways if node is not None and (f := node.get(*way)) is not None), None)
        if found is None:
            return self._nothing(item, f"there is no property {'.'.join(keys)} in this template")
        return self.resolve(found)

    def _value(self, name: str) -> Item | None:
        if name in self._said:
            default = self._declared.get(name, self._said[name]).get("default")
            if default is not None:
                default.mention()
            return self._said[name]
        declared = self._declared.get(name)
        return declared.get("default") if declared is not None else None

    def _nothing(self, item: Item, message: str) -> Item | None:
        self.account.lost(item, message, "mend the template, or say it in the manifest")
        return None

    def _text(self, item: Item, text: str) -> Item:
        item.mention()
        return Item(item.file, item.line, item.column, item.path, text, text, mentioned=True)

    # --- constraints --------------------------------------------------------------------------------------------

    def _check(self, name: str, declared: Item, value: Item) -> None:
        for constraint in (declared.get("constraints") or value).entries if declared.get("constraints") else ():
            for rule, bound in constraint.fields.items():
                if not _holds(rule, bound.plain(), value.plain()):
                    said = "its secret" if secret(name) else _brief(value.plain())
                    message = f"{said} is against {rule} {_brief(bound.plain())}"
                    self.account.altered(value, f"{name}: {message}; it was taken", f"give --input {name}=VALUE")


def _holds(rule: str, bound: Any, value: Any) -> bool:
    """True when a constraint holds, or cannot be judged."""
    if rule == "valid_values":
        return value in bound or str(value) in map(str, bound)
    if rule == "equal":
        return bool(value == bound)
    if rule == "pattern":
        return _matches(str(bound), str(value))
    if rule in _SIZES and isinstance(value, str | list | dict) and isinstance(bound, int):
        return _SIZES[rule](len(value), bound)
    bounds = zip(("greater_or_equal", "less_or_equal"), bound, strict=False) if rule == "in_range" else [(rule, bound)]
    return all(_ordered(one, limit, value) for one, limit in bounds)


def _ordered(rule: str, bound: Any, value: Any) -> bool:
    one, other = bytes_of(value), bytes_of(bound)
    return rule not in _ORDER or one is None or other is None or _ORDER[rule](one, other)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _plain(item: Item | None) -> Any:
    return item.plain() if item is not None else None


def _brief(value: Any) -> str:
    text = repr(value) if value == "" else _written(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
