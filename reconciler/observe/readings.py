"""What targets said when they were read last, kept from one round of the loop to the next, each with its age.

A round that looks at a few targets plans with these for all the others; it does nothing there (``reconciler.fresh``).
What is kept counts as long as its target is reached in the same way, nothing was done there since, and nobody but this
process has worked on the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.model import Graph, Inventory, Observed, Ref, Target


@dataclass
class Readings:
    """The memory of one process."""

    made: dict[str, datetime] = field(default_factory=dict)
    """When each target was read that can be kept."""
    run: str = ""
    """The latest run in the database, as of the last word on it."""
    _last: Observed | None = None
    _at: Mapping[Ref, str] = field(default_factory=dict)
    """Where each result was read."""
    _described: Mapping[str, Target] = field(default_factory=dict)

    def keep(self, observed: Observed, graph: Graph, inventory: Inventory, now: datetime, run: str) -> None:
        """Keep what a round saw. What was read in part, or on the way to another target, is read again instead."""
        self._at = {ref: where for ref in observed.results if (where := _where(ref, graph, inventory))}
        leaving = {where for ref in observed.former for where in _both(ref, graph, inventory)}
        sure = {target for target, state in observed.targets.items() if state.complete or not state.reachable}
        self.made = {target: observed.kept.get(target, now) for target in sure - leaving}
        self._last, self._described, self.run = observed, graph.targets, run

    def acted(self, targets: Iterable[str], run: str) -> None:
        """Something was done at these targets: how they stood is nothing worth any more."""
        self.run = run
        for target in targets:
            self.made.pop(target, None)

    def forget(self) -> None:
        """Keep nothing: everything is read again."""
        self.made, self._last = {}, None

    def earlier(self, due: Collection[str], graph: Graph, inventory: Inventory, run: str) -> Observed | None:
        """What was said of targets that are not ``due``; None where nothing of it counts any more."""
        if self._last is None or run != self.run:
            return None
        standing = graph.targets.keys() | {target for target, _ in inventory.stands}
        standing |= {entry.target for entry in inventory.begun.values()}
        kept = {t: at for t, at in self.made.items() if t not in due and t in standing}
        return self._only(self._same(kept, graph), graph, inventory) if kept else None

    def still(self, seen: Observed, graph: Graph, inventory: Inventory) -> Observed:
        """The same without what was kept of targets that are reached in another way, now that all is placed."""
        gone = seen.kept.keys() - self._same(seen.kept, graph).keys()
        return without(seen, gone, graph, inventory) if gone else seen

    def _same(self, kept: Mapping[str, datetime], graph: Graph) -> dict[str, datetime]:
        known, now = self._described, graph.targets
        return {t: at for t, at in kept.items() if t not in now or t not in known or now[t] == known[t]}

    def _only(self, kept: Mapping[str, datetime], graph: Graph, inventory: Inventory) -> Observed:
        assert self._last is not None  # noqa: S101 (asked by whoever calls)
        last = self._last
        results = {
            ref: found
            for ref, found in last.results.items()
            if self._at.get(ref) in kept and _where(ref, graph, inventory) in ("", self._at[ref])
        }
        digests = {ref: digest for ref, digest in inventory.observed.items() if ref not in results}
        digests |= {ref: last.digests[ref] for ref in results if ref in last.digests}
        entries = inventory.entries
        return Observed(
            targets={target: last.targets[target] for target in kept},
            digests=digests,
            results=results,
            strays=tuple(stray for stray in last.strays if stray.target in kept),
            applied={ref: one for ref, one in last.applied.items() if ref in entries and entries[ref].target in kept},
            kept=kept,
        )


def without(seen: Observed, targets: Collection[str], graph: Graph, inventory: Inventory) -> Observed:
    """The same as if these targets had not been read: what the inventory knows of them stands in its place."""
    refs = {ref for ref in seen.results if not _both(ref, graph, inventory).isdisjoint(targets)}
    digests = {ref: digest for ref, digest in seen.digests.items() if ref not in refs}
    digests |= {ref: inventory.observed[ref] for ref in refs & inventory.observed.keys()}
    return replace(
        seen,
        targets={target: state for target, state in seen.targets.items() if target not in targets},
        results={ref: found for ref, found in seen.results.items() if ref not in refs},
        digests=digests,
        strays=tuple(stray for stray in seen.strays if stray.target not in targets),
        kept={target: at for target, at in seen.kept.items() if target not in targets},
    )


def _where(ref: Ref, graph: Graph, inventory: Inventory) -> str:
    """Where a resource is looked for; "" where that is not known yet."""
    resource = graph.resources.get(ref)
    if resource is not None:
        return resource.target
    entry = inventory.entries.get(ref) or inventory.begun.get(ref)
    return entry.target if entry else ""


def _both(ref: Ref, graph: Graph, inventory: Inventory) -> set[str]:
    entry = inventory.entry(ref, graph.moved)
    return {_where(ref, graph, inventory), entry.target if entry else ""}
