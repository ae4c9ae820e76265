"""Three-way merge of plain data: what the source changed is taken, what a person changed is kept.

``base`` is what the last import wrote. Where both changed the same thing the person's version
stays, and a note says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

KEYED = {
    "clouds": "name",
    "shares": "vo",
    "entitlements": "role",
    "managers": "name",
    "contacts": "name",
    "fqans": "fqan",
    "voms": "hostname",
    "services": "name",
    "endpoints": "name",
}
"""Lists whose items are told apart by a field."""
_NOTHING = object()


class Note(NamedTuple):
    """Where a manifest differs from the source on purpose."""

    path: tuple[str | int, ...]
    message: str


def merged(ours: Any, base: Any, theirs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Note]]:
    """``ours`` with what changed between ``base`` and ``theirs``, and what a person keeps against the source."""
    notes: list[Note] = []
    return _mapping(_mapped(ours), _mapped(base), theirs, (), notes), notes


def _mapped(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _mapping(
    ours: Mapping[str, Any],
    base: Mapping[str, Any],
    theirs: Mapping[str, Any],
    path: tuple[str | int, ...],
    notes: list[Note],
) -> dict[str, Any]:
    result = dict(ours)
    for key, wanted in theirs.items():
        if key in ours:
            result[key] = _value(key, ours[key], base.get(key, _NOTHING), wanted, (*path, key), notes)
        elif key in base:
            notes.append(Note((*path, key), "removed by hand, and in the source"))
        else:
            result = _placed(result, key, wanted, list(theirs))
    for key in base.keys() - theirs.keys() & ours.keys():
        if ours[key] == base[key]:
            del result[key]
        else:
            notes.append(Note((*path, key), "changed by hand, and no longer in the source"))
    return result


def _value(key: str, ours: Any, base: Any, theirs: Any, path: tuple[str | int, ...], notes: list[Note]) -> Any:
    if ours == theirs:
        return ours
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return _mapping(ours, _mapped(base), theirs, path, notes)
    if key in KEYED and _items(ours) and _items(theirs):
        return _list(KEYED[key], ours, base if _items(base) else (), theirs, path, notes)
    if ours == base:
        return theirs
    notes.append(Note(path, f"changed by hand; the source says {theirs!r}"))
    return ours


def _items(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, Mapping) for item in value)


def _list(
    field: str,
    ours: Sequence[Any],
    base: Sequence[Any],
    theirs: Sequence[Any],
    path: tuple[str | int, ...],
    notes: list[Note],
) -> list[Any]:
    mine, before, wanted = _by(field, ours), _by(field, base), _by(field, theirs)
    inner: list[Note] = []
    result = _mapping(mine, before, wanted, (), inner)
    at = {key: n for n, key in enumerate(result)}
    for note in inner:
        key, *rest = note.path
        place = (*path, at[key]) if key in at else path
        told = note.message if key in at else f"{key[0]}: {note.message}"  # type: ignore[index]
        notes.append(Note((*place, *rest), told))
    return list(result.values())


def _by(field: str, items: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
    """Items by their field; the second of the same name gets a key of its own."""
    found: dict[Any, Any] = {}
    for item in items:
        name, n = item.get(field), 0
        while (name, n) in found:
            n += 1
        found[name, n] = item
    return found


def _placed(result: Mapping[str, Any], key: str, value: Any, order: list[str]) -> dict[str, Any]:
    """A new key stands behind the one that it follows in the source: a text changes where one expects it."""
    keys = list(result)
    before = [k for k in order[: order.index(key)] if k in result]
    after = [k for k in order[order.index(key) :] if k in result]
    at = keys.index(before[-1]) + 1 if before else keys.index(after[0]) if after else len(keys)
    return {k: value if k == key else result[k] for k in (*keys[:at], key, *keys[at:])}
