"""Pydantic's faults in plain sentences: what is wrong, what would be right, and did you mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from reconciler.manifest.scalars import shown

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "datetime_type": "a time like 2026-12-31T12:00:00Z",
    "datetime_parsing": "a time like 2026-12-31T12:00:00Z",
    "datetime_from_date_parsing": "a time like 2026-12-31T12:00:00Z",
    "timezone_aware": "a time with its zone, like 2026-12-31T12:00:00Z",
    "date_type": "a date like 2026-12-31",
    "date_parsing": "a date like 2026-12-31",
    "date_from_datetime_parsing": "a date like 2026-12-31",
}
_LIMITS = {
    "greater_than_equal": ("is too small", "at least {ge}"),
    "greater_than": ("is too small", "more than {gt}"),
    "less_than_equal": ("is too large", "at most {le}"),
    "less_than": ("is too large", "less than {lt}"),
    "string_too_short": ("is too short", "at least {min_length} characters"),
    "string_too_long": ("is too long", "at most {max_length} characters"),
    "too_short": ("has too few entries", "at least {min_length}"),
    "too_long": ("has too many entries", "at most {max_length}"),
    "string_pattern_mismatch": ("{input!r} has not the right form", "text that matches {pattern}"),
}


_SHOWN = 60


_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


class Words(NamedTuple):
    """A fault in words."""

    wrong: str
    right: str


def said(fault: ErrorDetails, model: type[BaseModel], text: str = "") -> Words:
    """What is wrong and what would be right, for one fault found in ``model``; ``text`` is the scalar as written."""
    kind, given = fault["type"], fault["input"]
    if kind == "missing":
        return Words(f"the field {_last(fault)} is missing", f"add {_last(fault)}:")
    if kind == "extra_forbidden":
        return Words(f"there is no field {_last(fault)}", _meant(_last(fault), fields(model, fault["loc"][:-1])))
    if kind in ("literal_error", "enum"):
        return Words(f"{_shown(given)} is not possible here", _one_of(given, str(fault["ctx"]["expected"])))
    if kind in _TYPES:
        return _of_another_type(given, _TYPES[kind], text)
    if kind in _LIMITS:
        return _beyond(given, *(said.format(**fault.get("ctx", {}), input=given) for said in _LIMITS[kind]))
    message = str(fault.get("ctx", {}).get("error") or fault["msg"])
    wrong, _, right = message.removeprefix("Value error, ").partition("; ")
    return Words(wrong, right)


def tried(faults: Sequence[ErrorDetails], model: type[BaseModel], text: str = "") -> Words:
    """The same for a value that fits no branch of a union: what it could have been."""
    told = [fault for fault in faults if fault["type"] not in _TYPES]
    if told:
        return said(told[0], model, text)
    could_be = list(dict.fromkeys(_TYPES[fault["type"]] for fault in faults))
    listed = f"{', '.join(could_be[:-1])} or {could_be[-1]}" if len(could_be) > 1 else could_be[0]
    return Words(f"{_shown(faults[0]['input'])} is not {listed}", f"give {listed}")


def meant(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """The field that an unknown one is taken for; "" when it is like none."""
    near = nearest(_last(fault), fields(model, fault["loc"][:-1]))
    return near or ""


def _of_another_type(given: Any, wanted: str, text: str) -> Words:
    if wanted == "text" and text and not isinstance(given, str):
        read_as = "true or false" if isinstance(given, bool) else "a number"
        return Words(f"{shown(text)} is read as {read_as}, not as text", f'put quotes round it: "{shown(text)}"')
    wrong = f"{shown(text) if isinstance(given, float) and text else _shown(given)} is not {wanted}"
    if wanted == "true or false" and isinstance(given, str) and given in _YES_NO:
        return Words(wrong, f"write {_YES_NO[given]}: in YAML 1.2, {given} is text")
    if wanted == "a list" and isinstance(given, str):
        return Words(wrong, f"write it as a list: [{shown(text) or _shown(given)}]")
    if wanted == "a whole number" and isinstance(given, float) and given.is_integer():
        return Words(wrong, f"write {given:.0f}")
    if wanted in ("a whole number", "a number") and isinstance(given, str) and _NUMBER.fullmatch(given) and not text:
        return Words(wrong, f"take the quotes off: {given}")
    return Words(wrong, f"give {wanted}")


def _beyond(given: Any, wrong: str, right: str) -> Words:
    return Words(f"{_shown(given)} {wrong}" if wrong.startswith("is") else wrong, right)


def fields(model: Any, path: Sequence[int | str]) -> list[str]:
    """Names that may stand at ``path`` inside ``model``, as manifests spell them."""
    for step in path:
        if isinstance(step, int):
            continue
        found = [m for m in _models(model) if step in _by_alias(m)]
        if found:
            model = _by_alias(found[0])[str(step)]
    return sorted({name for m in _models(model) for name in _by_alias(m)})


def _by_alias(model: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models inside an annotation: of unions, lists and optionals too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType) or get_args(annotation):
        return [model for inner in get_args(annotation) for model in _models(inner)]
    return []


def _last(fault: ErrorDetails) -> str:
    return str(fault["loc"][-1])


def _shown(value: Any) -> str:
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    return repr(value) if len(repr(value)) <= _SHOWN else f"{repr(value)[:_SHOWN]}..."


def _meant(word: str, known: Sequence[str]) -> str:
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    return f"there are {', '.join(known)}" if known else "take it out"


def _one_of(value: Any, expected: str) -> str:
    known = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    near = nearest(str(value), known)
    if near:
        return f"did you mean {near}?"
    return f"one of {', '.join(known)}" if len(known) > 1 else f"write {known[0]}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is meant, whatever its capitals; None when there is none like it."""
    by_small = {other.lower(): other for other in known}
    near = get_close_matches(word.lower(), by_small, n=1, cutoff=0.6)
    return by_small[near[0]] if near else None
