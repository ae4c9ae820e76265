"""Resources: everything declared at one commit, valid one by one, not yet ordered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.ref import Ref
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Resources:
    """What manifest/ returns."""

    commit: str
    items: Mapping[Ref, Resource]
    warnings: tuple[Diagnostic, ...] = ()
    changed: frozenset[Ref] | None = None
    """Refs added, changed or removed since the load before, from the same memory; None when there was none."""
    ordered: bool = False
    """What was loaded before had no fault between resources: only what changed since can have brought one."""
