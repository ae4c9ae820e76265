"""What choices rest on: asked of the clouds and batch systems that undecided resources name, and of the records.

Nothing is asked for a federation at rest. Whoever does not answer in time, or refuses, is unknown with the reason:
that is never taken for room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.errors import DriverError, SettingsError
from reconciler.kinds import Declared, Kind, Occasion, Offer, Question, World
from reconciler.model import Graph, History, Inventory, Observed, Present, Ref, Spec, Unknown
from reconciler.ports import Drivers, Queue

CATALOGUE = timedelta(minutes=10)
"""Flavours and images read so long ago are read again; a quota is read each time."""


@dataclass
class Offers:
    """What targets offered when they were read last, kept from one run to the next."""

    known: dict[str, Offer] = field(default_factory=dict)

    def young(self, target_id: str, now: datetime) -> Offer | None:
        """The last offer, while its catalogue still counts."""
        found = self.known.get(target_id)
        return found if found and found.catalogue_at and now - found.catalogue_at < CATALOGUE else None


def world(  # noqa: PLR0913 (the read's limits are keywords)
    graph: Graph,
    observed: Observed,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
    *,
    memory: Offers,
    now: datetime,
    deadline_seconds: float = 60.0,
    workers: int = 8,
) -> World:
    """The world as far as this run's choices need it."""
    moved = _moved(graph, observed, inventory, kinds)
    asking = [ref for ref in sorted(moved | graph.undecided) if _curious(kinds[ref.kind])]
    if not asking and not graph.undecided:
        return World(now=now)
    asked = _questions(asking, moved, graph, inventory, kinds, drivers)
    answers = _answers(asked, drivers, memory, now, deadline_seconds, workers)
    history = inventory.history() if graph.undecided else History()
    return World(
        now=now,
        offers={about: a for (topic, about), a in answers.items() if topic == "offer" and not isinstance(a, Queue)},
        queues={
            Ref(about): a for (topic, about), a in answers.items() if topic == "queue" and not isinstance(a, Offer)
        },
        sites=history.sites,
        past=history.past,
        attempts=history.attempts,
        held=history.held,
        stands=_Standing(graph, observed, inventory),
        begun={ref: entry.target for ref, entry in inventory.begun.items()},
    )


def _curious(kind: Kind[Any]) -> bool:
    """Whether the kind ever asks: of the others nothing needs to be decoded."""
    return type(kind).asks is not Kind.asks


def _moved(graph: Graph, observed: Observed, inventory: Inventory, kinds: Mapping[str, Kind[Any]]) -> set[Ref]:
    """Declared resources that git, the world or an interrupted run has moved."""
    moved = {ref for ref, _ in graph.digests.items() ^ inventory.sources.items()}
    moved -= {ref for ref in moved & graph.undecided if _chosen_so(ref, graph, inventory, kinds[ref.kind])}
    moved |= {ref for ref, _ in observed.digests.items() ^ inventory.digests.items()}
    moved |= {ref for ref, seen in observed.results.items() if isinstance(seen, Present) and seen.healthy is False}
    return (moved | inventory.unsettled) & graph.resources.keys()


def _chosen_so(ref: Ref, graph: Graph, inventory: Inventory, kind: Kind[Any]) -> bool:
    """Whether something undecided is, with what was chosen for it earlier, what was applied."""
    entry = inventory.entry(ref, graph.moved)
    if entry is None or not _curious(kind):
        return entry is not None
    resource = graph.resources[ref]
    chosen = kind.canonical(kind.chosen(resource.spec, inventory.choices.get(entry.ref, {})))
    return resource._replace(digest=chosen.digest()).source == entry.source


def _questions(
    asking: Iterable[Ref],
    moved: set[Ref],
    graph: Graph,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
) -> dict[tuple[str, str], tuple[Kind[Any], Question]]:
    """Each question once, however many ask it."""
    begun = inventory.begun
    former = {ref: entry.ref for ref in asking if (entry := inventory.entry(ref, graph.moved) or begun.get(ref))}
    details = inventory.details(list(former.values())) if former else {}
    declared = Declared(graph.resources)
    found: dict[tuple[str, str], tuple[Kind[Any], Question]] = {}
    for ref in asking:
        kind = kinds[ref.kind]
        held = details.get(former[ref]) if ref in former else None
        occasion = Occasion(declared, drivers, held, moved=ref in moved)
        for question in kind.asks(ref, graph.resources[ref].spec, occasion):
            found.setdefault(_key(question), (kind, question))
    return found


def _answers(
    asked: Mapping[tuple[str, str], tuple[Kind[Any], Question]],
    drivers: Drivers,
    memory: Offers,
    now: datetime,
    deadline_seconds: float,
    workers: int,
) -> dict[tuple[str, str], Offer | Queue | Unknown]:
    """Every answer; of whoever gives none in time, why there is none."""
    if not asked:
        return {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ask")
    try:
        running: dict[Future[Offer | Queue], Question] = {}
        for kind, question in asked.values():
            earlier = memory.young(question.about, now) if question.topic == "offer" else None
            running[pool.submit(kind.answer, question, drivers, earlier)] = question
        finished, late = wait(running, timeout=deadline_seconds)
        answers = {_key(running[future]): _answer(future, memory, running[future], now) for future in finished}
        unknown = Unknown(f"no answer within {deadline_seconds:g} s")
        return answers | {_key(running[future]): unknown for future in late}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _key(question: Question) -> tuple[str, str]:
    return question.topic, question.about


def _answer(
    future: Future[Offer | Queue], memory: Offers, question: Question, now: datetime
) -> Offer | Queue | Unknown:
    try:
        answer = future.result()
    except (DriverError, SettingsError) as error:
        return Unknown(str(error))
    if not isinstance(answer, Offer):
        return answer
    earlier = memory.young(question.about, now)
    dated = replace(answer, read_at=now, catalogue_at=earlier.catalogue_at if earlier else now)
    memory.known[question.about] = dated
    return dated


@dataclass(frozen=True)
class _Standing:
    """What stands of a resource: as read in full, or as it was applied where nothing has moved since."""

    graph: Graph
    observed: Observed
    inventory: Inventory

    def __call__(self, ref: Ref) -> Spec | None:
        entry = self.inventory.entry(ref, self.graph.moved)
        seen = self.observed.results.get(ref)
        if isinstance(seen, Present):
            return seen.spec
        resource = self.graph.resources.get(ref)
        if seen is not None or entry is None or self.observed.digests.get(ref) != entry.digest:
            return None
        if resource is not None and resource.digest == entry.digest:
            return resource.spec  # type: ignore[no-any-return]
        details = self.inventory.details([entry.ref]).get(entry.ref)
        return resource.decode(details.content) if resource and details else None
