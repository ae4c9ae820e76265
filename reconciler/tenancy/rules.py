"""Rules: who may do what to which things, and whose word a change of certain fields needs besides.

Whatever one Tenancy speaks of is forbidden by it, but for what its rules allow; what several speak of, each of them
must allow. So no rule of one can open what another one guards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.model import Ref
from reconciler.tenancy.subjects import Book, Subject
from reconciler.tenancy.things import EVERYTHING, Scope, Thing, touching, within

Deed = Literal["view", "create", "update", "delete", "approve", "pause", "acknowledge"]
DEEDS: tuple[Deed, ...] = ("view", "create", "update", "delete", "approve", "pause", "acknowledge")
CHANGES: frozenset[str] = frozenset({"create", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do what."""

    who: tuple[Subject, ...]
    deeds: frozenset[str]
    scope: Scope = EVERYTHING
    """Narrower than that of its Tenancy."""
    fields: tuple[str, ...] = ()
    """Only changes of these; () for all. Making and taking away is more than that."""

    def allows(self, deed: str, thing: Thing) -> frozenset[str]:
        """The fields of a thing that it lets somebody change; all of them where it is about no fields."""
        if deed not in self.deeds or not self.scope.covers(thing):
            return frozenset()
        if not self.fields:
            return thing.fields | {""}
        whole = deed in ("create", "delete")
        return frozenset() if whole else frozenset(one for one in thing.fields if within(one, self.fields))


@dataclass(frozen=True, slots=True)
class Word:
    """Whose word a change of some fields needs, besides the right to make it."""

    by: tuple[Subject, ...]
    fields: tuple[str, ...]
    what: str = ""
    """How it is called in plans: ``quota``."""
    scope: Scope = EVERYTHING

    def asked(self, thing: Thing) -> bool:
        """Whether a change needs it."""
        return self.scope.touches(thing) and any(touching(one, self.fields) for one in thing.fields | thing.inner)


@dataclass(frozen=True, slots=True)
class Charter:
    """What one Tenancy says."""

    name: Ref
    scope: Scope = EVERYTHING
    rest: bool = False
    """It speaks of those things only of which no other one speaks."""
    authority: str = ""
    """Whose word it is: ``vo:tides``, ``site:TIDE-CLOUD``, ``ngi:NGI_SEA``; "" for its own name."""
    roles: bool = False
    """Whoever may change a thing by the roles that RoleAssignments state may do so."""
    rules: tuple[Rule, ...] = ()
    words: tuple[Word, ...] = ()
    admits: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """(namespaces, kinds): whose resources may refer to which of those that it speaks of."""

    @property
    def part(self) -> str:
        """The part of a plan that needs its word."""
        return self.authority or f"tenancy:{self.name.name}"


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is in force."""

    charters: tuple[Charter, ...] = ()
    book: Book = field(default_factory=Book)
    owners: tuple[Subject, ...] = ()
    """Who may change Tenancies, whatever these say: the operator's configuration names them."""

    def over(self, thing: Thing) -> tuple[Charter, ...]:
        """The Tenancies that speak of a thing, in the order of their names."""
        found = [one for one in self.charters if not one.rest and one.scope.touches(thing)]
        found = found or [one for one in self.charters if one.rest and one.scope.touches(thing)]
        return tuple(sorted(found, key=lambda one: one.name))

    def resolved(self, asked: tuple[Subject, ...], thing: Thing) -> frozenset[Subject]:
        """The subjects with every role replaced by those who hold it: over all of what the thing belongs to."""
        found: set[Subject] = set()
        for subject in asked:
            if subject.sort != "role":
                found.add(subject)
                continue
            each = [self.book.of(subject, subject.level, name) for name in names(subject, thing)]
            found |= frozenset.intersection(*each) if each else frozenset()
        return frozenset(found)


def names(role: Subject, thing: Thing) -> Iterator[str]:
    """Over what a role must be held to count for a thing."""
    yield from (role.over,) if role.over else sorted(thing.over.get(role.level, ()))
