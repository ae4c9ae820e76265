"""Renames: resources that say what they were called. No two may say the same, and nobody may be called so now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model import PLAIN, Diagnostic, Ref, Resource


def moved_wrongly(items: Mapping[Ref, Resource]) -> Iterator[Diagnostic]:
    """A Diagnostic for each former name that is in use, or claimed a second time."""
    claims: dict[Ref, Resource] = {}
    movers = (r for r in items.values() if r.lifecycle is not PLAIN and r.lifecycle.moved)
    for resource in sorted(movers, key=lambda r: r.location):
        former = former_ref(resource)
        claimed = claims.setdefault(former, resource)
        if former in items:
            yield _fault(resource, f"{former} is still declared in {_at(items[former])}", "take that document out")
        if claimed is not resource:
            yield _fault(resource, f"{former} has moved to {claimed.ref} ({_at(claimed)})", "take one of the two out")


def former_ref(resource: Resource) -> Ref:
    """What ``lifecycle.moved`` of a resource refers to."""
    namespace, _, name = str(resource.lifecycle.moved).rpartition("/")
    return Ref.of(resource.ref.kind, name, namespace or resource.ref.namespace)


def _at(resource: Resource) -> str:
    return f"{resource.location.file}:{resource.location.line}"


def _fault(resource: Resource, message: str, cure: str) -> Diagnostic:
    file, line = resource.location
    return Diagnostic(file, line, 1, "lifecycle.moved", message, cure, "moved-taken")
