"""The difference of two specs, field by field, with its origin: git moved (intent) or the world did (drift)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model import FieldChange

_MISSING = object()
Data = Any
"""Plain JSON data."""


def changes(
    desired: Data, observed: Data, applied: Data | None, ignored: tuple[str, ...] = ()
) -> tuple[FieldChange, ...]:
    """What must change for ``observed`` to become ``desired``, in the order of the paths.

    A field is drift when git still wants what was applied last (``applied``) and the world shows something else.
    """
    return tuple(
        FieldChange(
            path=path,
            before=_shown(before),
            after=_shown(after),
            origin="drift" if applied is not None and _at(applied, path) == after else "intent",
            ignored=any(path == i or path.startswith((f"{i}.", f"{i}[")) for i in ignored),
        )
        for path, before, after in _walk("spec", observed, desired)
    )


def _walk(path: str, before: Data, after: Data) -> Iterator[tuple[str, Data, Data]]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _walk(f"{path}.{key}", before.get(key, _MISSING), after.get(key, _MISSING))
    elif _same_shape(before, after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _walk(f"{path}[{index}]", old, new)
    else:
        yield path, before, after


def _same_shape(before: Data, after: Data) -> bool:
    """Lists of mappings of one length are compared item by item; all others as a whole."""
    lists = isinstance(before, list) and isinstance(after, list)
    return lists and len(before) == len(after) and all(isinstance(item, Mapping) for item in (*before, *after))


def _shown(value: Data) -> Data:
    return None if value is _MISSING else value


def _at(data: Data, path: str) -> Data:
    """The value under a path that ``_walk`` made; _MISSING where there is none."""
    for step in path.replace("[", ".[").split(".")[1:]:
        if step.startswith("["):
            index = int(step[1:-1])
            data = data[index] if isinstance(data, list) and index < len(data) else _MISSING
        else:
            data = data.get(step, _MISSING) if isinstance(data, Mapping) else _MISSING
    return data
