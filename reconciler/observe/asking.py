"""What choices rest on: asked of the clouds and batch systems that undecided resources name, and of the records.

Nothing is asked for a federation at rest. Whoever does not answer in time, or refuses, is unknown with the reason:
that is never taken for room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from reconciler.errors import DriverError, SettingsError
from reconciler.kinds import Declared, Kind, Listed, Occasion, Offer, Question, World
from reconciler.kinds.downtime import outages
from reconciler.kinds.world import Topic
from reconciler.model import (
    Create,
    Graph,
    History,
    Inventory,
    Observed,
    Past,
    PlacePolicy,
    Present,
    Ref,
    Spec,
    Standing,
    Unknown,
    checked,
)
from reconciler.ports import Drivers, Queue, Space

Answer = Offer | Queue | Listed | Space
CATALOGUE = timedelta(minutes=10)
"""Flavours and images read so long ago are read again; a quota is read each time."""


@dataclass
class Offers:
    """What was said when it was asked last, kept from one run to the next."""

    known: dict[str, Offer] = field(default_factory=dict)
    listed: dict[str, Listed] = field(default_factory=dict)
    """Files by the folder that was read: read again only when something has moved there."""

    def young(self, target_id: str, now: datetime) -> Offer | None:
        """The last offer, while its catalogue still counts."""
        found = self.known.get(target_id)
        return found if found and found.catalogue_at and now - found.catalogue_at < CATALOGUE else None

    def earlier(self, question: Question, now: datetime) -> Offer | Listed | None:
        """What may be taken from an earlier answer to a question."""
        if question.topic == "files":
            return self.listed.get(question.about)
        return self.young(question.about, now) if question.topic == "offer" else None


def world(  # noqa: PLR0913 (the read's limits are keywords)
    graph: Graph,
    observed: Observed,
    inventory: Inventory,
    kinds: Mapping[str, Kind[Any]],
    drivers: Drivers,
    *,
    memory: Offers,
    now: datetime,
    policy: PlacePolicy | None = None,
    afresh: bool = False,
    deadline_seconds: float = 60.0,
    workers: int = 8,
) -> World:
    """The world as far as this run's choices need it; with ``afresh`` also what would let settled ones move."""
    moved = _moved(graph, observed, inventory, kinds)
    asking = [ref for ref in sorted(moved | graph.undecided) if _curious(kinds[ref.kind])]
    if not asking and not graph.undecided:
        return World(now=now, policy=policy or PlacePolicy())
    history = inventory.history()
    failures = _failures(history)
    whole = {ref for ref in asking if inventory.entry(ref, graph.moved) and ref not in failures and not afresh}
    asked = _questions(asking, moved if not afresh else set(asking), whole, graph, inventory, kinds, drivers)
    answers = _answers(asked, drivers, memory, now, deadline_seconds, workers)
    return World(
        now=now,
        offers=_about("offer", Offer, answers),
        queues={Ref(about): answer for about, answer in _about("queue", Queue, answers).items()},
        listings=_about("files", Listed, answers),
        spaces=_about("space", Space, answers),
        probes=history.probes,
        uptime=history.uptime,
        ailing=_ailing(graph, history.probes),
        past=_pasts(history, now),
        failures=failures,
        outages=outages(graph.resources, now, (policy or PlacePolicy()).downtime),
        held=history.held,
        stands=_Standing(graph, observed, inventory),
        moved=frozenset(ref for ref in asking if ref in moved),
        policy=policy or PlacePolicy(),
    )


AnswerT = TypeVar("AnswerT", Offer, Queue, Listed, Space)


def _about(
    topic: Topic, kind: type[AnswerT], answers: Mapping[tuple[str, str], Answer | Unknown]
) -> dict[str, AnswerT | Unknown]:
    """The answers to the questions of one topic, by what they are about."""
    return {about: a for (asked, about), a in answers.items() if asked == topic and isinstance(a, kind | Unknown)}


def after(
    before: World, graph: Graph, observed: Observed, inventory: Inventory, kinds: Mapping[str, Kind[Any]]
) -> World:
    """The same world once places are chosen and what stands there was read."""
    moved = frozenset(ref for ref in _moved(graph, observed, inventory, kinds) if _curious(kinds[ref.kind]))
    return replace(before, stands=_Standing(graph, observed, inventory), moved=moved)


def _ailing(graph: Graph, probes: Mapping[Ref, Standing]) -> dict[tuple[str, str], str]:
    """(site, service) -> what its probe says, of those that are down now and are still to be looked at."""
    found: dict[tuple[str, str], str] = {}
    for ref, standing in sorted(probes.items()):
        declared = graph.resources.get(ref.whole) if standing.failing else None
        if declared is None:
            continue
        looked = declared.spec.target.siteService
        site, service = checked(ref) or ((looked.site, looked.service) if looked else ("", ""))
        found.setdefault((site, service), standing.failing)
    return found


def _pasts(history: History, now: datetime) -> dict[str, Past]:
    """How creates went, by target."""
    by_target: dict[str, list[Create]] = {}
    for one in history.creates:
        by_target.setdefault(one.target, []).append(one)
    return {target: Past.of(those, now) for target, those in by_target.items()}


def _failures(history: History) -> dict[Ref, tuple[Create, ...]]:
    """What failed since it was last made."""
    found: dict[Ref, tuple[Create, ...]] = {}
    for one in history.creates:
        if one.done:
            found.pop(one.ref, None)
        elif one.blames_place:
            found[one.ref] = (*found.get(one.ref, ()), one)
    return found


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
    whole: set[Ref],
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
        occasion = Occasion(declared, drivers, held, moved=ref in moved, whole=ref in whole)
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
) -> dict[tuple[str, str], Answer | Unknown]:
    """Every answer; of whoever gives none in time, why there is none."""
    if not asked:
        return {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ask")
    try:
        running: dict[Future[Answer], Question] = {}
        for kind, question in asked.values():
            running[pool.submit(kind.answer, question, drivers, memory.earlier(question, now))] = question
        finished, late = wait(running, timeout=deadline_seconds)
        answers = {_key(running[future]): _answer(future, memory, running[future], now) for future in finished}
        unknown = Unknown(f"no answer within {deadline_seconds:g} s")
        return answers | {_key(running[future]): unknown for future in late}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _key(question: Question) -> tuple[str, str]:
    return question.topic, question.about


def _answer(future: Future[Answer], memory: Offers, question: Question, now: datetime) -> Answer | Unknown:
    try:
        answer = future.result()
    except (DriverError, SettingsError) as error:
        return Unknown(str(error))
    if isinstance(answer, Listed):
        memory.listed[question.about] = answer
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
