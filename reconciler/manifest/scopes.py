"""Which secrets a manifest may name: what hanse.toml does not allow it is a fault, before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.kinds import Rule
from reconciler.model import Diagnostic, Ref, Resource, SecretRef, SecretScope
from reconciler.model.secret import SOURCES, allowed

ID = "secret-scope"
SCOPE = Rule(
    ID,
    "Manifests name only secrets that [[secrets]] of hanse.toml allows to them, where it has any.",
    lambda _ref, _spec: (),
)
"""Checked between documents and settings."""
_SIGNS = tuple(f'"{source}":'.encode() for source in SOURCES)
_PLAIN = frozenset({"variables", "properties"})
"""Fields whose mappings are handed on as they are: a secret in them has a type of its own."""


def overreaching(items: Mapping[Ref, Resource], scopes: Sequence[SecretScope]) -> Iterator[Diagnostic]:
    """A fault for each secret that a manifest names and that it may not; none where there are no scopes at all."""
    if not scopes:
        return
    for ref, one in items.items():
        mine = allowed(scopes, ref)
        for path, reference in named(one):
            if not any(scope.allows(reference) for scope in mine):
                said = f"{ref} may not name the secret {reference.place}"
                yield Diagnostic(one.location.file, one.location.line, 1, path, said, _cure(mine), ID)


def named(one: Resource) -> Iterator[tuple[str, SecretRef]]:
    """Every secret that a resource names, with the path of the field; quick where it names none."""
    if any(sign in one.content for sign in _SIGNS):
        yield from references(one.spec, "spec")


def references(value: Any, path: str) -> Iterator[tuple[str, SecretRef]]:
    """Every reference in a spec with its path: typed ones, and those in data that is handed to a driver."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inner, shown = getattr(value, name), f"{path}.{field.alias or name}"
            yield from _typed(inner, shown) if name in _PLAIN else references(inner, shown)
    elif isinstance(value, Mapping):
        yield from _handed_on(value, path)
    elif isinstance(value, (list, tuple)):
        for n, inner in enumerate(value):
            yield from references(inner, f"{path}[{n}]")


def _typed(value: Any, path: str) -> Iterator[tuple[str, SecretRef]]:
    """References of values that have a type; plain data is none."""
    inner: Iterable[tuple[str, Any]] = value.items() if isinstance(value, Mapping) else ()
    for key, one in inner:
        if isinstance(one, BaseModel):
            yield from references(one, f"{path}.{key}")


def _handed_on(value: Mapping[Any, Any], path: str) -> Iterator[tuple[str, SecretRef]]:
    """What a driver could take for a reference counts as one, also beside other fields."""
    for key, inner in value.items():
        found = _reference(str(key), inner)
        if found is not None:
            yield f"{path}.{key}", found
        else:
            yield from references(inner, f"{path}.{key}")


def _reference(source: str, place: Any) -> SecretRef | None:
    if source not in SOURCES or not place:
        return None
    try:
        return SecretRef.model_validate({source: place})
    except ValidationError:
        return None


def _cure(scopes: Iterable[SecretScope]) -> str:
    names = [place for scope in scopes for place in scope.allow]
    if names:
        return f"name one below {', '.join(sorted(names))}, or ask the operator for more ([[secrets]] in hanse.toml)"
    return "the operator allows it none: [[secrets]] in hanse.toml"
