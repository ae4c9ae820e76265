"""All words that manifests may use: those that come with Hanse, and those of every Vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.kinds.base import Fault
from reconciler.kinds.vocabulary.spec import VocabularySpec
from reconciler.kinds.vocabulary.types import SERVICE_TYPES
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

RESERVED_SCOPES = frozenset({"alice", "atlas", "cms", "lhcb", "tier1", "tier2", "wlcg"})
"""Scopes that a service may have only if its site has them."""


@dataclass(frozen=True)
class Words:
    """What the vocabularies say, together."""

    types: frozenset[str] = SERVICE_TYPES
    unmonitored: frozenset[str] = frozenset()
    """Own types of services that may be in production without being monitored."""
    scopes: frozenset[str] = frozenset()
    """Every scope there is; empty: any."""
    reserved: frozenset[str] = RESERVED_SCOPES
    closed: bool = False
    minimum_scopes: int = 0

    def type_fault(self, path: str, name: str) -> Iterator[Fault]:
        """What is wrong with a service type."""
        if name not in self.types:
            yield _unknown(path, "service type", name, self.types, "serviceTypes")

    def scope_faults(self, path: str, scopes: Sequence[str]) -> Iterator[Fault]:
        """What is wrong with the scopes of something, each by itself."""
        for name in scopes:
            if self.scopes and name not in self.scopes | self.reserved:
                yield _unknown(path, "scope", name, self.scopes | self.reserved, "scopes")

    def too_few(self, path: str, scopes: Sequence[str]) -> Iterator[Fault]:
        """Whether something has fewer scopes than it must have."""
        if len(scopes) < self.minimum_scopes:
            wanted = f"{self.minimum_scopes} scope{'s' if self.minimum_scopes > 1 else ''}"
            yield Fault(path, f"it has {len(scopes)} of at least {wanted}", "add one")


def words(resources: Mapping[Ref, Resource]) -> Words:
    """The words of a federation."""
    own: list[VocabularySpec] = [resources[ref].spec for ref in sorted(r for r in resources if r.kind == "Vocabulary")]
    types = [one for spec in own for one in spec.serviceTypes]
    scopes = [one for spec in own for one in spec.scopes]
    return Words(
        SERVICE_TYPES | {one.name for one in types},
        frozenset(one.name for one in types if one.monitoringOptional),
        frozenset(one.name for one in scopes),
        RESERVED_SCOPES | {one.name for one in scopes if one.reserved},
        any(spec.closed for spec in own),
        max((spec.minimumScopes for spec in own), default=0),
    )


def _unknown(path: str, what: str, name: str, known: Collection[str], field: str) -> Fault:
    cure = meant(name, known, f"a Vocabulary may add it ({field})")
    return Fault(path, f"there is no {what} {name}", cure)
