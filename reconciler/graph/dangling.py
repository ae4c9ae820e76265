"""References that lead nowhere, each with the nearest name that exists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from reconciler.model import Diagnostic, Edge, Ref, Resource


def dangling(items: Mapping[Ref, Resource], suspects: Iterable[Ref], removed: frozenset[Ref]) -> Iterator[Diagnostic]:
    """A Diagnostic for each reference of ``suspects``, or to something ``removed``, that leads nowhere."""
    names = _Names(items)
    for ref in suspects:
        for edge in items[ref].edges:
            if edge.ref not in items:
                yield _fault(items[ref], edge, names)
    if removed:
        yield from _left_behind(items, frozenset(suspects), removed, names)


def _left_behind(
    items: Mapping[Ref, Resource], looked_at: frozenset[Ref], removed: frozenset[Ref], names: _Names
) -> Iterator[Diagnostic]:
    """References of unchanged resources to what is gone now."""
    for ref, resource in items.items():
        for edge in resource.edges:
            if edge.ref in removed and ref not in looked_at:
                yield _fault(resource, edge, names)


class _Names:
    """Existing names by kind, gathered only once somebody misspelt one."""

    def __init__(self, items: Mapping[Ref, Resource]) -> None:
        self._items = items
        self._by_kind: dict[str, list[str]] | None = None

    def near(self, ref: Ref) -> str:
        if self._by_kind is None:
            self._by_kind = defaultdict(list)
            for existing in self._items:
                self._by_kind[existing.kind].append(str(existing))
        close = get_close_matches(str(ref), self._by_kind.get(ref.kind, ()), n=1, cutoff=0.6)
        return close[0] if close else ""


def _fault(resource: Resource, edge: Edge, names: _Names) -> Diagnostic:
    near = names.near(edge.ref)
    cure = f"did you mean {near}?" if near else f"add a manifest for {edge.ref}, or take the reference out"
    where = resource.location
    return Diagnostic(
        where.file,
        where.line,
        1,
        edge.path or "spec",
        f"{resource.ref} refers to {edge.ref}, which does not exist",
        cure,
        "reference-dangling",
    )
