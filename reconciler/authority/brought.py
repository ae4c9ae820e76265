"""What changes bring along: what is made, changed or taken away at a back end without a manifest of its own.

A rule has no back end; the Replicas that it brings along have. Whoever guards a back end is asked for them, each time
by what is planned: as it stands in the inventory against what is wanted once all choices are made. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import orjson

from reconciler.authority.changes import Change
from reconciler.authority.rulebook import thing_of
from reconciler.kinds import Kind
from reconciler.model import PLAIN, Details, Entry, Graph, Inventory, Ref, Resource, digest_of
from reconciler.model.resource import Location
from reconciler.records.consents import ENDS
from reconciler.tenancy import Charter, Need, Rules, needed

Kinds = Mapping[str, Kind[Any]]
Watch = Callable[[str], bool]
"""Whether somebody guards a back end."""
NOTHING = "-"
"""What git says of a cause that it does not declare any more."""


@dataclass(frozen=True, slots=True)
class Brought:
    """One thing that is to be otherwise at a back end, and what wants it so."""

    change: Change
    causes: tuple[Ref, ...]
    """What git declares, or has declared, because of which it is: rules, where there are any, else its owner."""
    stands: str = ""
    """Which one stands there: its uid, and when it was applied last."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Where."""
        return tuple(sorted({one.target for one in (self.change.old, self.change.new) if one}))


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one cause brings along at a back end: that for which a word is asked."""

    ref: Ref
    deed: str
    cause: Ref
    digest: str
    files: frozenset[str] = frozenset()
    """Of the cause, where that is changed now: who made them made it."""


def watching(rules: Rules) -> Watch | None:
    """Which back ends are guarded by name; None where none is."""
    patterns = {pattern for charter in rules.charters for pattern in _targets(charter)}
    return cache(lambda target: any(fnmatchcase(target, one) for one in patterns)) if patterns else None


def brought(graph: Graph, inventory: Inventory, kinds: Kinds, watch: Watch) -> Iterator[Brought]:
    """All that is to be otherwise at guarded back ends, of what has no manifest of its own, in order.

    What stands and is only mended is not among it, nor what was begun before: it was judged then.
    """
    made = {ref: one for ref, one in graph.resources.items() if one.owner is not None and one.target}
    due = [ref for ref, one in made.items() if _due(one, _held(ref, graph, inventory), inventory, watch)]
    renamed = frozenset(graph.moved.values())
    rest = [ref for ref, entry in inventory.entries.items() if ref not in graph.digests and watch(entry.target)]
    gone = [ref for ref in rest if ref not in renamed]
    standing = {ref: entry for ref in due if (entry := _held(ref, graph, inventory))}
    details = inventory.details([*(entry.ref for entry in standing.values()), *gone]) if standing or gone else {}
    for ref in sorted({*due, *gone}):
        held = standing.get(ref) or (inventory.entries[ref] if ref in gone else None)
        applied = details.get(held.ref) if held else None
        found = _otherwise(ref, held, applied, made.get(ref), kinds)
        if found is not None:
            yield found


def needs_of(one: Brought, before: Mapping[Ref, Resource], rules: Rules) -> tuple[Need, ...]:
    """The words that it needs of those who guard back ends by name; what others say was asked of its cause."""
    able = tuple(guard for charter in rules.charters if (guard := _guard(charter)) is not None)
    thing = thing_of(one.change, before, replace(rules, charters=able))
    guards = [guard for charter in rules.over(thing) if (guard := _guard(charter)) is not None]
    whole = {guard.name for guard in guards if guard.scope.targets}
    found = needed(replace(rules, charters=tuple(guards)), one.change.deed, thing)
    return tuple(need for need in found if need.sort == "word" or need.charter in whole)


def consequences(one: Brought, declared: Callable[[Ref], str]) -> Iterator[Consequence]:
    """What each cause brings along. ``declared`` says what git says of a cause now, by its digest."""
    deed, wanted = one.change.deed, one.change.new
    owner = one.change.old.owner if one.change.old is not None and wanted is None else None
    gone = (owner,) if owner and owner not in one.causes and declared(owner) == NOTHING else ()
    for cause in (*one.causes, *gone):
        said = declared(cause)
        digest = hold(cause, said, wanted.target) if wanted is not None else away(cause, said, one)
        yield Consequence(one.change.ref, deed, cause, digest)


def said_of(cause: Ref, declared: str) -> str:
    """How everything begins that is said of a cause while it is declared so: all of that ends at once."""
    return digest_of(f"{cause}\n{declared}".encode())[:16]


def hold(cause: Ref, declared: str, target: str) -> str:
    """That a cause, as it is declared, has things at a back end: the same for all of them, until it says otherwise."""
    return _digest(cause, declared, f"hold\n{target}")


def away(cause: Ref, declared: str, one: Brought) -> str:
    """That this one thing is taken away because a cause is declared so, or not any more; not a later one."""
    return _digest(cause, declared, f"away\n{one.change.ref}\n{' '.join(one.targets)}\n{one.stands}")


def made_by(cause: Ref, declared: str) -> str:
    """That somebody made a cause what it is."""
    return _digest(cause, declared, "made")


def _digest(cause: Ref, declared: str, what: str) -> str:
    whole = digest_of(f"{cause}\n{declared}\n{what}".encode())
    return f"{said_of(cause, declared)}{ENDS}{whole}"


def causes_of(resource: Resource, kinds: Kinds) -> tuple[Ref, ...]:
    """Because of what something is brought along."""
    holders = tuple(sorted(kinds[resource.ref.kind].holders(resource.spec)))
    return holders or ((resource.owner,) if resource.owner else ())


def _held(ref: Ref, graph: Graph, inventory: Inventory) -> Entry | None:
    return inventory.entry(ref, graph.moved)


def _due(wanted: Resource, held: Entry | None, inventory: Inventory, watch: Watch) -> bool:
    if not (watch(wanted.target) or (held and watch(held.target))):
        return False
    known = held or inventory.begun.get(wanted.ref)
    return known is None or (known.target, known.source) != (wanted.target, wanted.source)


def _otherwise(
    ref: Ref, held: Entry | None, applied: Details | None, wanted: Resource | None, kinds: Kinds
) -> Brought | None:
    """What is otherwise; None where it is nothing for which anybody is asked."""
    old = _standing(held, applied, wanted, kinds) if held and applied and applied.owner else None
    if old is None and (wanted is None or held is not None):
        return None
    causes = causes_of(wanted or old, kinds)  # type: ignore[arg-type]  # one of them is there
    if old is not None and wanted is not None and old.target == wanted.target:
        if _same(old, wanted, kinds[ref.kind].beside):
            causes = tuple(one for one in causes if one not in causes_of(old, kinds))
        return Brought(Change(ref, old, wanted), causes) if causes else None
    stands = f"{held.uid} {applied.changed}" if held and applied else ""
    return Brought(Change(ref, old, wanted), causes, stands)


def _standing(held: Entry, applied: Details, wanted: Resource | None, kinds: Kinds) -> Resource:
    """What stands, as it was applied last."""
    where = wanted.location if wanted else Location(applied.file, 0)
    decode = kinds[held.ref.kind].Spec.model_validate_json
    how = wanted.lifecycle if wanted else PLAIN
    edges, owner = applied.edges, applied.owner
    return Resource(held.ref, held.digest, applied.content, edges, held.target, where, decode, how, owner=owner)


def _same(old: Resource, new: Resource, beside: frozenset[str]) -> bool:
    """Whether the same is wanted there as stands, whatever is said of how it comes there."""
    was, will = orjson.loads(old.content), orjson.loads(new.content)
    return all(was.get(key) == will.get(key) for key in (was.keys() | will.keys()) - beside)


def _targets(charter: Charter) -> Iterable[str]:
    yield from charter.scope.targets
    for word in charter.words:
        yield from word.scope.targets


def _guard(charter: Charter) -> Charter | None:
    """What of a Tenancy guards back ends by name; None where nothing does."""
    if charter.scope.targets:
        return replace(charter, rest=False)
    words = tuple(word for word in charter.words if word.scope.targets)
    return replace(charter, rest=False, words=words, roles=False) if words else None
