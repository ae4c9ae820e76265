"""BookKeeping: what the inventory holds of a resource beyond its spec, to take it away once git has dropped it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from reconciler.model.inventory import meta_digest
from reconciler.model.ref import Ref
from reconciler.model.resource import Edge, Resource
from reconciler.model.target import Target


@dataclass(frozen=True, slots=True)
class BookKeeping:
    """The part of an inventory row that can change without any change of the world."""

    target: Target
    source: str = ""
    """Digest of the declared spec: choices filled in, outputs of others not yet."""
    lifecycle: Mapping[str, Any] = field(default_factory=dict)
    """As plain JSON data."""
    edges: tuple[Edge, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field -> what was chosen for it."""
    owner: Ref | None = None
    file: str = ""
    meta_digest: str = ""
    content: bytes | None = None
    """Canonical JSON of the whole spec, where the world was found to agree with it and nothing had to be done."""

    @classmethod
    def of(cls, resource: Resource, target: Target, choices: Mapping[str, tuple[str, ...]] | None = None) -> Self:
        """What to keep of a declared resource."""
        return cls(
            target,
            resource.source,
            resource.lifecycle.model_dump(mode="json"),
            resource.edges,
            choices or {},
            resource.owner,
            resource.location.file,
            meta_digest(resource),
        )
