"""References that lead nowhere, each with the nearest name that exists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from reconciler.model import Diagnostic, Edge, Ref, Resource

_ADVISED = 2_000_000
"""Names that are compared for advice, all together: in a large federation with very many faults, the rest gets none."""


def dangling(
    items: Mapping[Ref, Resource],
    suspects: Iterable[Ref],
    removed: frozenset[Ref],
    kinds: Collection[str],
    unread: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """A Diagnostic for each reference of ``suspects``, or to something ``removed``, that leads nowhere.

    ``unread`` are files of which nothing is known: what leads nowhere may stand there.
    """
    names = _Names(items, kinds, sorted(unread))
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

    def __init__(self, items: Mapping[Ref, Resource], kinds: Collection[str], unread: list[str]) -> None:
        self._items, self.kinds, self.unread = items, kinds, unread
        self._by_kind: dict[str, list[str]] | None = None
        self._near: dict[Ref, str] = {}
        self._compared = 0

    def near(self, ref: Ref) -> str:
        if ref not in self._near:
            known = self._of(ref.kind)
            self._compared += len(known)
            close = get_close_matches(str(ref), known, n=1, cutoff=0.6) if self._compared <= _ADVISED else []
            self._near[ref] = close[0] if close else ""
        return self._near[ref]

    def _of(self, kind: str) -> list[str]:
        if self._by_kind is None:
            self._by_kind = defaultdict(list)
            for existing in self._items:
                self._by_kind[existing.kind].append(str(existing))
        return self._by_kind.get(kind, [])


def _fault(resource: Resource, edge: Edge, names: _Names) -> Diagnostic:
    path, message, cure = edge.path or "spec", f"{resource.ref} refers to {edge.ref}, which does not exist", ""
    if edge.ref.kind not in names.kinds:
        path, message = f"{path}.kind", f"there is no kind {edge.ref.kind}"
        meant = _kind(edge.ref.kind, names.kinds)
        cure = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(names.kinds))}"
    elif near := names.near(edge.ref):
        cure = f"did you mean {near}?"
    elif names.unread:
        message = f"{resource.ref} refers to {edge.ref}, which no file declares that can be read"
        cure = f"mend {', '.join(names.unread[:3])} first, if it stands there"
    else:
        cure = f"add a manifest for {edge.ref}, or take the reference out"
    where = resource.location
    return Diagnostic(where.file, where.line, 1, path, message, cure, "reference-dangling")


def _kind(word: str, kinds: Collection[str]) -> str:
    by_small = {kind.lower(): kind for kind in kinds}
    near = get_close_matches(word.lower(), by_small, n=1, cutoff=0.6)
    return by_small[near[0]] if near else ""
