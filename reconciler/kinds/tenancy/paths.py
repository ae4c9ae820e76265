"""Whether a field can be in a spec of some type: by the types alone, and in doubt it can."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from reconciler.model import Spec
from reconciler.model.resource import Lifecycle

_PLACE = re.compile(r"\[(\*|\d+)\]")
_WILD = re.compile(r"[*?\[]")
_PLAIN = (str, int, float, bool, NoneType, date, datetime, time, timedelta, Decimal, Enum)
_LISTS = (tuple, list, set, frozenset, Sequence, AbstractSet)


class _Metadata(BaseModel):
    labels: dict[str, str]
    annotations: dict[str, str]


class Missing(NamedTuple):
    """Where a field ends that there is not: ``before`` (``spec.``) is there, ``step`` is none of the ``known``."""

    before: str
    step: str
    known: frozenset[str]


def missing(pattern: str, specs: Iterable[type[Spec]]) -> Missing | None:
    """Where a pattern of a field (``spec.a[*].b*``) leaves what these types can hold; None where it may hold."""
    steps = _PLACE.sub("", pattern).split(".")
    beginnings: dict[str, list[Any]] = {"spec": list(specs), "lifecycle": [Lifecycle], "metadata": [_Metadata]}
    level: dict[str, list[Any]] | None = beginnings
    for n, step in enumerate(steps):
        plain = _WILD.split(step, maxsplit=1)[0]
        wild = plain != step
        if level is None or (wild and any(one.startswith(plain) for one in level)):
            return None
        if wild or step not in level:
            return Missing("".join(f"{one}." for one in steps[:n]), step, frozenset(level))
        level = _fields(level[step])
    return None


def _fields(annotations: Iterable[Any]) -> dict[str, list[Any]] | None:
    """Name -> types of the fields in values of these types; None where there may be any."""
    found: dict[str, list[Any]] = {}
    for one in (inner for annotation in annotations for inner in _alternatives(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel) and _closed(one):
            for name, field in one.model_fields.items():
                for known in {name, field.alias or name, field.serialization_alias or name}:
                    found.setdefault(known, []).append(field.annotation)
        elif not _scalar(one):
            return None
    return found


def _alternatives(annotation: Any) -> Iterator[Any]:
    """What a value may be: the branches of a union, the entries of a list."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _alternatives(inner[0])
    elif origin in (Union, UnionType, *_LISTS):
        for one in inner:
            if one is not Ellipsis:
                yield from _alternatives(one)
    else:
        yield annotation


def _closed(model: type[BaseModel]) -> bool:
    """Whether it is written with its fields and nothing else."""
    decorators = model.__pydantic_decorators__
    free = model.model_config.get("extra") == "allow" or decorators.model_serializers or decorators.field_serializers
    return not (free or decorators.computed_fields or issubclass(model, RootModel))


def _scalar(one: Any) -> bool:
    return get_origin(one) is Literal or (isinstance(one, type) and issubclass(one, _PLAIN))
