"""Stage 3, Resources -> Graph: resolves typed references and refuses what cannot be ordered.

Dangling references name the nearest existing name; a cycle is printed as its chain. Given the graph of an earlier
revision, only what changed since is looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from reconciler.errors import ManifestError
from reconciler.graph.cycles import cycles
from reconciler.graph.dangling import dangling
from reconciler.kinds import Kind, connect
from reconciler.model import Diagnostic, Graph, Ref, Resource, Resources, Target
from reconciler.ports import Drivers

__all__ = ["build", "faults"]

_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
"""What can be a name in a message."""


def build(
    resources: Resources, kinds: Mapping[str, Kind[Any]], drivers: Drivers, earlier: Graph | None = None
) -> Graph:
    """Order the resources; raises ManifestError with every dangling reference and every cycle.

    ``earlier`` must be the graph that was built of the revision which ``resources.changed`` counts from.
    """
    items, changed = resources.items, resources.changed
    if changed is None or not (earlier or resources.ordered):
        earlier, changed = None, frozenset(items)
    warnings = _judged(items, changed, kinds)
    if earlier is None:
        changed = frozenset(items)
    suspects = [ref for ref in changed if ref in items]
    return Graph(
        commit=resources.commit,
        resources=items,
        digests=_digests(items, suspects, changed, earlier),
        targets=_targets(items, suspects, changed, kinds, drivers, earlier),
        taking=_those(items, suspects, changed, earlier.taking if earlier else frozenset(), _takes),
        undecided=_those(items, suspects, changed, earlier.undecided if earlier else frozenset(), lambda r: r.open),
        timed=_those(
            items,
            suspects,
            changed,
            earlier.timed if earlier else frozenset(),
            lambda r: kinds[r.ref.kind].lifetime(r.spec) is not None,
        ),
        moved=_moved(items, suspects, earlier),
        warnings=warnings,
    )


def faults(
    resources: Resources,
    kinds: Mapping[str, Kind[Any]],
    torn: Mapping[Ref, Resource] | None = None,
    unread: Collection[str] = (),
) -> list[Diagnostic]:
    """Everything that is wrong between resources of a revision that has other faults too; builds nothing.

    ``torn`` is what faulty documents mean to declare: it exists, and what is known of it is looked at. ``unread`` are
    files of which nothing is known. Where something is not known, nothing is concluded from its absence.
    """
    half = torn or {}
    whole = {**{ref: resource for ref, resource in half.items() if resource.content}, **resources.items}
    everything = {**half, **whole}
    found = [*dangling(everything, everything, frozenset(), kinds, unread), *cycles(everything, everything)]
    blind = [ref for ref in everything if ref not in whole]
    for fault in _quarrels(whole, frozenset(whole), kinds):
        said = set(_WORD.findall(f"{fault.message} {fault.cure}"))
        if not (blind or unread) or (fault.severity == "error" and not any({ref, ref.name} & said for ref in blind)):
            found.append(fault)
    return sorted(found)


def _judged(
    items: Mapping[Ref, Resource], changed: frozenset[Ref], kinds: Mapping[str, Kind[Any]]
) -> tuple[Diagnostic, ...]:
    """Warnings about what changed; raises ManifestError where there is a fault that forbids to go on."""
    suspects = [ref for ref in changed if ref in items]
    found = [*dangling(items, suspects, changed - items.keys(), kinds), *cycles(items, suspects)]
    found += _quarrels(items, changed, kinds)
    if any(fault.severity == "error" for fault in found):
        raise ManifestError(sorted(found))
    return tuple(sorted(found))


def _quarrels(
    items: Mapping[Ref, Resource], changed: frozenset[Ref], kinds: Mapping[str, Kind[Any]]
) -> Iterable[Diagnostic]:
    """What is wrong between resources, as their kinds know it."""
    for kind in kinds.values():
        severity = {rule.id: rule.severity for rule in kind.rules}
        for ref, rule, fault in kind.quarrels(items, changed):
            where = items[ref].location
            said = (fault.path, fault.message, fault.cure, rule, severity.get(rule, "error"))
            yield Diagnostic(where.file, where.line, 1, *said)


def _digests(
    items: Mapping[Ref, Resource], suspects: Iterable[Ref], changed: Iterable[Ref], earlier: Graph | None
) -> dict[Ref, str]:
    digests = dict(earlier.digests) if earlier else {}
    for ref in changed:
        digests.pop(ref, None)
    digests.update((ref, items[ref].source) for ref in suspects)
    return digests


def _those(
    items: Mapping[Ref, Resource],
    suspects: Iterable[Ref],
    changed: frozenset[Ref],
    before: frozenset[Ref],
    trait: Callable[[Resource], bool],
) -> frozenset[Ref]:
    """The resources with a trait: those known earlier, less what changed, plus what has it now."""
    return (before - changed) | {ref for ref in suspects if trait(items[ref])}


def _takes(resource: Resource) -> bool:
    return any(edge.output for edge in resource.edges)


def _moved(items: Mapping[Ref, Resource], suspects: Iterable[Ref], earlier: Graph | None) -> dict[Ref, Ref]:
    moved = {new: old for new, old in earlier.moved.items() if new in items} if earlier else {}
    for ref in suspects:
        name = items[ref].lifecycle.moved
        moved.pop(ref, None)
        if name is not None:
            namespace, _, short = name.rpartition("/")
            moved[ref] = Ref.of(ref.kind, short, namespace or ref.namespace)
    return moved


def _targets(
    items: Mapping[Ref, Resource],
    suspects: Iterable[Ref],
    changed: Iterable[Ref],
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
    earlier: Graph | None,
) -> dict[str, Target]:
    """The back ends; all of them are looked up again when something that describes back ends has changed."""
    known: Mapping[str, Target] = earlier.targets if earlier else {}
    if any(kinds[ref.kind].describes_targets for ref in changed):
        known, suspects = {}, items
    wanted = {items[ref].target: ref for ref in suspects}
    wanted.pop("", None)
    return {**known, **connect({t: r for t, r in wanted.items() if t not in known}, items, kinds, drivers)}
