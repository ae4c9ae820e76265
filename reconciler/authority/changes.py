"""Changes: what one commit declares otherwise than another, each with a digest of what it was and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from reconciler.manifest.moves import former_ref
from reconciler.model import PLAIN, Edge, FieldChange, Ref, Resource, digest_of
from reconciler.plan.diff import changes as differing
from reconciler.tenancy import Deed


class Asked(Protocol):
    """That for which a word is asked."""

    @property
    def ref(self) -> Ref:
        """What would be otherwise."""
        ...

    @property
    def digest(self) -> str:
        """What a word for it names."""
        ...

    @property
    def files(self) -> frozenset[str]:
        """Where git says it."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that git says otherwise."""

    ref: Ref
    old: Resource | None
    new: Resource | None
    former: Ref | None = None
    """The name that it had, where it says so."""

    @property
    def deed(self) -> Deed:
        """What is done to it."""
        return "create" if self.old is None else "delete" if self.new is None else "update"

    @property
    def digest(self) -> str:
        """The same wherever and whenever the same is said in place of the same."""
        carried = f"\n{self.old.location.file}\n{self.new.location.file}" if self.carried else ""  # type: ignore[union-attr]
        return digest_of(f"{self.ref}\n{_whole(self.old)}\n{_whole(self.new)}{carried}".encode())

    @property
    def carried(self) -> bool:
        """Whether it stands in another file, and all else is as it was."""
        return self.old is not None and self.new is not None and not _otherwise(self.old, self.new)

    @property
    def files(self) -> frozenset[str]:
        """Where it stands and stood."""
        return frozenset(one.location.file for one in (self.old, self.new) if one)

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """What of it changes."""
        if self.old and self.new:
            return fields_changed(self.old, self.new)
        (only,) = (one for one in (self.old, self.new) if one)
        return tuple(_all(only, made=self.old is None))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """What it refers to once it counts."""
        return self.new.edges if self.new else ()


def changes(before: Mapping[Ref, Resource], after: Mapping[Ref, Resource]) -> dict[Ref, Change]:
    """Everything that git says otherwise, in order; what others bring along is not in git."""
    found = sorted(ref for ref in before.keys() | after.keys() if _other(before.get(ref), after.get(ref)))
    return {ref: Change(ref, before.get(ref), after.get(ref), _former(after.get(ref))) for ref in found}


def fields_changed(old: Resource, new: Resource) -> tuple[FieldChange, ...]:
    """The fields in which two states of a resource differ, in its spec and beside it."""
    return (*_spec(old, new), *_around(old, new))


def _spec(old: Resource, new: Resource) -> tuple[FieldChange, ...]:
    if old.digest == new.digest:
        return ()
    return differing(orjson.loads(new.content), orjson.loads(old.content), None)


def _around(old: Resource, new: Resource) -> Iterator[FieldChange]:
    """Changes outside of the spec: how it is handled, labels, annotations."""
    yield from _flat("lifecycle", old.lifecycle.model_dump(mode="json"), new.lifecycle.model_dump(mode="json"))
    yield from _flat("metadata.labels", old.labels or {}, new.labels or {})
    yield from _flat("metadata.annotations", old.annotations or {}, new.annotations or {})


def _flat(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield FieldChange(f"{path}.{key}", old.get(key), new.get(key))


def _all(one: Resource, *, made: bool) -> Iterator[FieldChange]:
    """Every field of what is made or taken away; what has no value says nothing."""
    for path, value in _leaves("spec", orjson.loads(one.content)):
        yield FieldChange(path, None if made else value, value if made else None)
    plain = PLAIN.model_dump(mode="json")
    yield from _flat("lifecycle", *_turned(plain, one.lifecycle.model_dump(mode="json"), made=made))
    yield from _flat("metadata.labels", *_turned({}, one.labels or {}, made=made))
    yield from _flat("metadata.annotations", *_turned({}, one.annotations or {}, made=made))


def _turned(
    none: Mapping[str, Any], some: Mapping[str, Any], *, made: bool
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return (none, some) if made else (some, none)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(f"{path}.{key}", value[key])
    elif value not in (None, [], {}, ""):
        yield path, value


def _other(old: Resource | None, new: Resource | None) -> bool:
    if any(one is not None and one.owner is not None for one in (old, new)):
        return False
    if old is None or new is None:
        return old is not new
    return old.location.file != new.location.file or _otherwise(old, new)


def _otherwise(old: Resource, new: Resource) -> bool:
    same = old.digest == new.digest and old.lifecycle == new.lifecycle
    return not (
        same and (old.labels or {}) == (new.labels or {}) and (old.annotations or {}) == (new.annotations or {})
    )


def _former(resource: Resource | None) -> Ref | None:
    return former_ref(resource) if resource and resource.lifecycle.moved else None


def _whole(one: Resource | None) -> str:
    if one is None:
        return "-"
    beside = orjson.dumps([one.labels or {}, one.annotations or {}], option=orjson.OPT_SORT_KEYS).decode()
    return f"{one.digest} {one.lifecycle!r} {beside}"
