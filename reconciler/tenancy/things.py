"""Things: what somebody wants to do something to, and the scopes that rules speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from reconciler.model import Ref


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource, or a change of one: as it was and as it will be, both at once."""

    refs: tuple[Ref, ...]
    """Its name; its former one too, where it was renamed."""
    files: frozenset[str] = frozenset()
    """Where it stands and stood."""
    targets: frozenset[str] = frozenset()
    """Back ends that it lives and lived on."""
    fields: frozenset[str] = frozenset()
    """What changes: ``spec.quotas``, ``lifecycle.adopt``; of what is made or taken away, all that it has."""
    over: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """What it belongs to: ``site``, ``ngi``, ``vo`` ... -> their names."""
    known: frozenset[str] = frozenset()
    """Those who may change it by the roles that RoleAssignments state."""
    words: tuple[tuple[str, str, frozenset[str]], ...] = ()
    """(part, what, of whom one must agree) by those roles, where fields count."""

    @property
    def ref(self) -> Ref:
        """Its name."""
        return self.refs[0]

    @property
    def namespaces(self) -> frozenset[str]:
        """Where it belongs; "" for what is of the whole federation."""
        return frozenset(ref.namespace or "" for ref in self.refs)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which things. Patterns of one list are alternatives; every list that is given must match."""

    kinds: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    def touches(self, thing: Thing) -> bool:
        """Whether it speaks of any of what a thing is or was."""
        return self._holds(thing, any)

    def covers(self, thing: Thing) -> bool:
        """Whether it speaks of all that a thing is and was."""
        return self._holds(thing, all)

    def _holds(self, thing: Thing, enough: Callable[[Iterable[bool]], bool]) -> bool:
        asked = (
            (self.kinds, {ref.kind for ref in thing.refs}, _any),
            (self.namespaces, thing.namespaces, _any),
            (self.targets, thing.targets or {""}, _any),
            (self.paths, thing.files or {""}, _inside),
            (self.resources, set(map(str, thing.refs)), _any),
        )
        return all(
            not patterns or enough(matches(value, patterns) for value in values) for patterns, values, matches in asked
        )


EVERYTHING = Scope()
"""No list is given: all."""


def within(path: str, patterns: Iterable[str]) -> bool:
    """Whether a field is one of these, or a part of one."""
    return any(fnmatchcase(path, one) or path.startswith((f"{one}.", f"{one}[")) for one in patterns)


def touching(path: str, patterns: Iterable[str]) -> bool:
    """Whether a change of a field changes one of these: a part of it, or what it is a part of."""
    return any(within(path, (one,)) or one.startswith((f"{path}.", f"{path}[")) for one in patterns)


def _any(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _inside(file: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(file, one) or file.startswith(f"{one.rstrip('/')}/") for one in patterns)
