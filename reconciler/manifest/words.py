"""Pydantic's faults in plain sentences: what is wrong, what would be right, and did you mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

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


def said(fault: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """(what is wrong, what would be right) for one fault found in ``model``."""
    kind, context = fault["type"], {**fault.get("ctx", {}), "input": fault["input"]}
    if kind == "missing":
        return f"the field {_last(fault)} is missing", f"add {_last(fault)}:"
    if kind == "extra_forbidden":
        return f"there is no field {_last(fault)}", _meant(_last(fault), fields(model, fault["loc"][:-1]))
    if kind in ("literal_error", "enum"):
        return f"{_shown(fault['input'])} is not possible here", _one_of(fault["input"], str(context["expected"]))
    if kind in _TYPES:
        return f"{_shown(fault['input'])} is not {_TYPES[kind]}", f"give {_TYPES[kind]}"
    if kind in _LIMITS:
        wrong, right = _LIMITS[kind]
        shown = wrong.format(**context)
        return (f"{_shown(fault['input'])} {shown}" if shown.startswith("is") else shown), right.format(**context)
    message = str(context.get("error") or fault["msg"])
    wrong, _, right = message.removeprefix("Value error, ").partition("; ")
    return wrong, right


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
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(known)}" if known else "take it out"


def _one_of(value: Any, expected: str) -> str:
    known = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    near = get_close_matches(str(value), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
