"""Things: what somebody wants to do something to, and the scopes that rules speak of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
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
    open: frozenset[str] = frozenset()
    """How the name of a back end begins that is still to be chosen for it: ``compute:TIDE-CLOUD/``, ``compute:``."""
    fields: frozenset[str] = frozenset()
    """What changes: ``spec.quotas``, ``lifecycle.adopt``; of what is made or taken away, all that it has."""
    inner: frozenset[str] = frozenset()
    """What these fields hold, where one holds others: ``spec.clouds[0].quotas`` of ``spec.clouds``."""
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
            (self.paths, thing.files or {""}, _inside),
            (self.resources, set(map(str, thing.refs)), _any),
        )
        return (not self.targets or enough(self._places(thing, _ever if enough is all else _perhaps))) and all(
            not patterns or enough(matches(value, patterns) for value in values) for patterns, values, matches in asked
        )

    def _places(self, thing: Thing, of_open: Callable[[str, str], bool]) -> Iterator[bool]:
        """Of each back end whether it is among the targets; ``of_open`` judges those that are yet to be chosen."""
        for target in thing.targets or ({""} if not thing.open else ()):
            yield _any(target, self.targets)
        for beginning in thing.open:
            yield any(of_open(beginning, pattern) for pattern in self.targets)


EVERYTHING = Scope()
"""No list is given: all."""


def within(path: str, patterns: Iterable[str]) -> bool:
    """Whether a field is one of these, or a part of one."""
    return any(fnmatchcase(path, form) for one in patterns for form in _forms(one))


@cache
def _forms(pattern: str) -> tuple[str, ...]:
    """A field and its parts, for fnmatch: ``[0]`` and ``[*]`` are places in a list, and no sets of letters."""
    plain = re.sub(r"\[(\*|\d+)\]", r"[[]\1]", pattern)
    return plain, f"{plain}.*", f"{plain}[[]*"


def touching(path: str, patterns: Iterable[str]) -> bool:
    """Whether a change of a field changes one of these: a part of it, or what it is a part of."""
    return any(within(path, (one,)) or one.startswith((f"{path}.", f"{path}[")) for one in patterns)


def _perhaps(beginning: str, pattern: str) -> bool:
    """Whether some name that begins so may match; in doubt it may."""
    plain = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return plain.startswith(beginning) or beginning.startswith(plain)


def _ever(beginning: str, pattern: str) -> bool:
    """Whether every name that begins so matches; in doubt not."""
    return pattern.endswith("*") and fnmatchcase(beginning, pattern)


def _any(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _inside(file: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(file, one) or file.startswith(f"{one.rstrip('/')}/") for one in patterns)
