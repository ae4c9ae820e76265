"""Inventory: what Hanse has made and still holds, as records/ remembers it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count

from reconciler.model.observed import Details, Entry
from reconciler.model.past import History
from reconciler.model.ref import Ref
from reconciler.model.resource import Resource
from reconciler.model.spec import digest_of


@dataclass(frozen=True)
class Inventory:
    """The inventory as columns, because that is how a whole federation is compared."""

    entries: Mapping[Ref, Entry]
    details: Callable[[Collection[Ref]], Mapping[Ref, Details]]
    tokens: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Target id -> (token, digest) of its last complete read."""
    choices: Mapping[Ref, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """What place/ chose earlier: field -> candidates."""
    unsettled: frozenset[Ref] = frozenset()
    """Resources with an operation of an interrupted run whose outcome nobody wrote down."""
    begun: Mapping[Ref, Entry] = field(default_factory=dict)
    """What is not held, and may stand there in part: a create of it was interrupted or failed. ``details`` knows it."""
    history: Callable[[], History] = History
    """What the records tell about places; read only where something is to be chosen."""
    stamp: object = None
    """What tells this inventory from a later one."""
    sources: Mapping[Ref, str] = field(init=False)
    digests: Mapping[Ref, str] = field(init=False)
    observed: Mapping[Ref, str] = field(init=False)
    stands: frozenset[tuple[str, str]] = field(init=False)
    """(target id, kind) of everything that is held."""

    def __post_init__(self) -> None:
        entries = self.entries.items()
        object.__setattr__(self, "sources", {ref: entry.source for ref, entry in entries})
        object.__setattr__(self, "digests", {ref: entry.digest for ref, entry in entries})
        stands = frozenset((entry.target, ref.partition("/")[0]) for ref, entry in entries)
        object.__setattr__(self, "stands", stands)
        object.__setattr__(self, "observed", {ref: entry.observed_digest for ref, entry in entries})

    def entry(self, ref: Ref, moved: Mapping[Ref, Ref]) -> Entry | None:
        """The row of ``ref``, or the row of its former name."""
        return self.entries.get(ref) or self.entries.get(moved.get(ref, ref))

    def uid(self, ref: Ref, moved: Mapping[Ref, Ref]) -> str:
        """The ownership mark: kept over renames; for something new, the same each time it is computed.

        What was renamed in git and is held under neither name (the database was lost) bears the mark of its former
        name. A new resource never gets the mark of another that had its name before.
        """
        found = self.entry(ref, moved) or self.begun.get(ref)
        if found:
            return found.uid
        taken = ref in moved.values()
        name = moved.get(ref, ref)
        tries = (uid_of(Ref(f"{name}#{n}") if n else name) for n in count(int(taken)))
        return next(uid for uid in tries if uid not in self._uids)

    @cached_property
    def _uids(self) -> frozenset[str]:
        return frozenset(entry.uid for entry in self.entries.values())


def uid_of(ref: Ref) -> str:
    """The uid of a new resource: so an interrupted create is found again even when the database is lost."""
    return digest_of(f"hanse/{ref}".encode())


def meta_digest(resource: Resource) -> str:
    """Digest over what the inventory keeps of a resource besides its spec."""
    edges = "|".join(f"{edge.ref}>{edge.gate}>{edge.output}" for edge in resource.edges)
    said = f"{resource.lifecycle!r}{edges}{resource.target}{resource.owner}{resource.location.file}"
    return digest_of(said.encode())
