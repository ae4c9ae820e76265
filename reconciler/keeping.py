"""Between the page and the records: the inventory as the stages read it, and what a run must write down besides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reconciler import logs
from reconciler.model import (
    BookKeeping,
    Details,
    Entry,
    Graph,
    Inventory,
    Plan,
    Present,
    Ref,
    Resource,
    Unsettled,
    Verb,
)
from reconciler.model.observed import Observed
from reconciler.ports import Journal
from reconciler.records.history import history
from reconciler.records.lease import Fence
from reconciler.records.store import Store


@dataclass(frozen=True)
class OpenRun:
    """A run that has begun."""

    id: str
    journal: Journal


def inventory(store: Store, earlier: Inventory | None = None) -> Inventory:
    """What is held, as columns. ``earlier`` is returned as it is when nothing was written down since."""
    latest = store.runs.history(1)
    rows = store.journal.unsettled()
    unsettled = frozenset(row.ref for row in rows)
    stamp = (latest, unsettled)
    if earlier is not None and earlier.stamp == stamp:
        return earlier
    entries = store.inventory.entries()
    begun = _begun(rows, entries)

    def details(refs: Collection[Ref]) -> Mapping[Ref, Details]:
        found = store.inventory.details([ref for ref in refs if ref not in begun])
        return {**found, **{ref: _in_part(begun[ref]) for ref in refs if ref in begun}}

    return Inventory(
        entries=entries,
        details=details if begun else store.inventory.details,
        tokens=store.observations.tokens(),
        choices=store.inventory.choices(),
        unsettled=unsettled | begun.keys(),
        begun={ref: Entry(ref, row.uid, row.generation, "", "", row.target.id) for ref, row in begun.items()},
        history=partial(history, store),
        stamp=stamp,
    )


def latest(store: Store) -> str:
    """The id of the latest run; "" before the first one."""
    return next((run.id for run in store.runs.history(1)), "")


def _begun(rows: Iterable[Unsettled], entries: Mapping[Ref, Entry]) -> dict[Ref, Unsettled]:
    """Creates that never came to their end; where there were several, the latest goes by the resource's own name."""
    found: dict[Ref, Unsettled] = {}
    for row in rows:
        if row.verb is not Verb.CREATE:
            continue
        if row.ref not in entries:
            earlier = found.get(row.ref)
            if earlier is not None and earlier.target.id != row.target.id:
                found[row.ref.attempt(earlier.target.id)] = earlier
            found[row.ref] = row
            found.pop(row.ref.attempt(row.target.id), None)
        elif row.target.id != entries[row.ref].target:
            found[row.ref.attempt(row.target.id)] = row
    return found


def apart(held: Inventory, placed: Graph) -> Inventory:
    """The inventory in which a create that was begun elsewhere than where its resource goes now stands by itself.

    So that it is cleaned away there, as an action of its own, whatever becomes of the new one.
    """
    left = {
        ref: entry for ref, entry in held.begun.items() if ref in placed.resources and _elsewhere(ref, entry, placed)
    }
    if not left:
        return held
    names = {ref.attempt(entry.target): ref for ref, entry in left.items()}

    def details(refs: Collection[Ref]) -> Mapping[Ref, Details]:
        found = held.details([names.get(ref, ref) for ref in refs])
        return {ref: found[names.get(ref, ref)] for ref in refs if names.get(ref, ref) in found}

    begun = {ref: entry for ref, entry in held.begun.items() if ref not in left}
    begun |= {name: left[ref]._replace(ref=name) for name, ref in names.items()}
    return replace(held, begun=begun, details=details, unsettled=(held.unsettled - left.keys()) | names.keys())


def _elsewhere(ref: Ref, entry: Entry, placed: Graph) -> bool:
    return ref in placed.unplaced or placed.resources[ref].target not in ("", entry.target)


@contextmanager
def run(
    store: Store,
    plan: Plan,
    graph: Graph,
    held: Inventory,
    seen: Observed,
    who: str,
    fence: Fence | None = None,
) -> Iterator[OpenRun]:
    """Begin a run, with a journal that knows the books; a run that breaks off is written down as such."""
    run_id = store.runs.begin(plan.commit, plan.digest, who, "apply")
    try:
        acted = {action.ref for action in plan.actions}
        choices = _choices(graph)
        books = {ref: _book(graph, graph.resources[ref], choices) for ref in acted if _placed(graph, ref)}
        store.inventory.sync(_agreed(graph, held, seen, acted, choices), plan.commit)
        store.inventory.handle(_handled(graph, held, acted))
        with logs.about(run=run_id):
            yield OpenRun(run_id, store.journal.open(run_id, plan.commit, plan.digest, books, fence))
    except BaseException:
        store.runs.broken_off(run_id)
        raise


def _agreed(
    graph: Graph, held: Inventory, seen: Observed, acted: set[Ref], choices: Mapping[Ref, Mapping[str, tuple[str, ...]]]
) -> dict[Ref, BookKeeping]:
    """What git says otherwise now and the world shows already: nothing to do but to write it down."""
    moved = {ref for ref, _ in graph.digests.items() ^ held.sources.items()}
    moved |= {ref for ref, _ in seen.digests.items() ^ held.digests.items()}
    found = {}
    for ref in moved - acted:
        resource = graph.resources.get(ref)
        looked = seen.results.get(ref)
        if resource is not None and ref in held.entries and isinstance(looked, Present):
            found[ref] = _book(graph, resource, choices, looked)
    return found


def _handled(graph: Graph, held: Inventory, acted: set[Ref]) -> dict[Ref, Mapping[str, Any]]:
    """How git says that held resources are to be handled, where the action may yet wait, fail or only be noted.

    Or else what git said to retain would be deleted once its manifest is gone.
    """
    found: dict[Ref, Mapping[str, Any]] = {}
    for ref in acted & graph.resources.keys():
        entry, resource = held.entry(ref, graph.moved), graph.resources[ref]
        if entry is not None and entry.source != resource.source:
            found[entry.ref] = resource.lifecycle.model_dump(mode="json")
    return found


def _placed(graph: Graph, ref: Ref) -> bool:
    return ref in graph.resources and graph.resources[ref].target in graph.targets


def _choices(graph: Graph) -> dict[Ref, dict[str, tuple[str, ...]]]:
    found: dict[Ref, dict[str, tuple[str, ...]]] = {}
    for choice in graph.choices:
        found.setdefault(choice.ref, {})[choice.field] = choice.chosen
    return found


def _book(
    graph: Graph,
    resource: Resource,
    choices: Mapping[Ref, Mapping[str, tuple[str, ...]]],
    looked: Present | None = None,
) -> BookKeeping:
    book = BookKeeping.of(resource, graph.targets[resource.target], choices.get(resource.ref))
    return replace(book, content=looked.spec.canonical()) if looked else book


def _in_part(row: Unsettled) -> Details:
    """What the journal knows of a resource whose create never came to its end."""
    return Details(
        content=row.content, edges=row.edges, outputs={}, lifecycle={}, options=row.target.options,
        driver=row.target.driver, choices={}, owner=None, commit="", file="", target=row.target.id,
    )  # fmt: skip
